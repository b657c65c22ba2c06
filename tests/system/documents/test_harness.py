"""Tests of the harness itself: the mistakes that it must find."""

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

import documents
import links
import run
import session
from documents import Block, Command, Unclear, looks_alike


class Documents(unittest.TestCase):
    def read(self, text: str) -> list[Block]:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(documents, "ROOT", Path(folder)):
            Path(folder, "page.md").write_text(text)
            return documents.blocks(Path("page.md"))

    def test_commands_are_separated(self) -> None:
        [block] = self.read("```sh\nfirst | a  # why\n\n# a remark\nsecond \\\n  more\npython3 - <<'END'\nprint(1)\nEND\nlast\n```\n")
        texts = [command.text for command in block.commands]
        self.assertEqual(texts, ["first | a  # why", "second \\\n  more", "python3 - <<'END'\nprint(1)\nEND", "last"])
        self.assertEqual([command.line for command in block.commands], [2, 5, 7, 10])

    def test_a_console_has_outputs_and_statuses(self) -> None:
        [block] = self.read("```console\n$ one   # exit status 3\nsaid\n$ two\n```\n")
        told = [(command.text, command.status, command.output) for command in block.commands]
        self.assertEqual(told, [("one   # exit status 3", 3, "said"), ("two", 0, "")])

    def test_a_named_block_is_a_file_for_the_commands_below(self) -> None:
        files = "`a/b.csv`, for both:\n\n```csv\nx\n```\nbecomes `c.txt`\n```text\ny\n```\n"
        [first, second] = self.read(files + "```sh\none\n```\n```sh\ntwo\n```\n")
        self.assertEqual((first.files, second.files), ((("a/b.csv", "x\n"),), ()))

    def test_commands_cannot_hide(self) -> None:
        for language, text in (("", "rm\n```"), ("shell", "$ x\n```"), ("sh", "x"), ("sh", "# x\n```"), ("sh", "if x\n```")):
            with self.subTest(text=text), self.assertRaises(Unclear):
                self.read(f"```{language}\n{text}\n")

    def test_outputs_are_compared(self) -> None:
        for shown, printed, alike in (
            ("a\nb", "a\nb\n", True),
            ("a", "a\nb\n", False),
            ("a\n...\nc", "a\nb\nb\nc\n", True),
            ("a\n...\nc", "a\nc\n", True),
            ("took ... s", "took 1.2 s\n", True),
            ("took ... s", "took 1.2\n", False),
            ("", "", True),
            ("", "an error\n", False),
        ):
            with self.subTest(shown=shown, printed=printed):
                self.assertEqual(looks_alike(shown, printed), alike)


class Places(unittest.TestCase):
    def test_programs_are_found(self) -> None:
        for text, programs in (
            ('A=1 aws s3 cp "a && b" - | head && ! make x', {"aws", "head", "make"}),
            ("aws x --since $(($(date +%s) - 60)) > file; B=$(sam y)", {"aws", "sam"}),
            ("python3 > file <<'END'\nimport os\nEND\ncat file", {"python3", "cat"}),
            ("{ one || two; }", {"one", "two"}),
        ):
            with self.subTest(text=text):
                self.assertEqual(run.programs(text), programs)

    def test_an_unknown_program_is_a_problem(self) -> None:
        block = Block("README.md", (Command("terraform apply", 7, 0),))
        [problem] = run.unplaced([block])
        self.assertIn("README.md:7: no test knows how to run `terraform`", problem)

    def test_an_entry_without_a_block_is_a_problem(self) -> None:
        self.assertTrue(run.unused([]))


    def test_files_exist_in_both_sessions(self) -> None:
        offline = Block("page.md", (Command("htaccess", 1, 0),), (("a.csv", "x"),))
        cloud = Block("page.md", (Command("aws a.csv", 2, 0),), (("b.csv", "y"),))
        [(_, [step])] = run.sessions([offline, cloud], False)
        self.assertEqual(step.block.files, (("a.csv", "x"), ("b.csv", "y")))


class Sessions(unittest.TestCase):
    def run_commands(self, *commands: Command) -> list[str]:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(session, "ROOT", Path(folder, "root")):
            Path(folder, "root").mkdir()
            Path(folder, "files").mkdir()
            scratch = session.Scratch(Path(folder, "scratch"), Path(folder, "files"))
            return session.run(scratch, [session.Step(Block("page.md", commands))], ".", False)

    def test_variables_of_one_command_are_set_for_the_next(self) -> None:
        commands = (Command("cd /; A=1; f() { echo $A; }", 1, 0), Command("f; pwd", 2, 0, "1\n/"), Command("false", 3, 1))
        self.assertEqual(self.run_commands(*commands), [])

    def test_files_that_a_document_shows_exist(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(session, "ROOT", Path(folder, "root")):
            Path(folder, "root").mkdir()
            Path(folder, "files").mkdir()
            scratch = session.Scratch(Path(folder, "scratch"), Path(folder, "files"))
            block = Block("page.md", (Command("cat a/b.csv", 1, 0, "x"),), (("a/b.csv", "x\n"),))
            self.assertEqual(session.run(scratch, [session.Step(block)], ".", False), [])

    def test_failures_are_told(self) -> None:
        for command, told in (
            (Command("echo why; false | true", 4, 0), "page.md:4: ended with status 1, not 0"),
            (Command("true", 4, 1), "ended with status 0, not 1"),
            (Command("echo a", 4, 0, "b"), "prints something else"),
            (Command("exit 0", 4, 0), "did not end"),
        ):
            with self.subTest(command=command.text):
                problems = self.run_commands(command, Command("true", 5, 0))
                self.assertIn(told, problems[0])

    def test_what_follows_a_failure_is_not_run(self) -> None:
        problems = self.run_commands(Command("false", 1, 0), Command("true", 2, 0))
        self.assertEqual(problems[1], "page.md: the 1 commands after it were not run")


class Links(unittest.TestCase):
    def test_links_that_lead_nowhere(self) -> None:
        text = "# A `b` c\n[x](gone.md) [y](#a-b-c) [z](#gone) ![p](p.png)\n`src/gone.rs` `[n](gone.md)`\n"
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "page.md").write_text(text)
            with mock.patch.object(documents, "ROOT", Path(folder)), mock.patch.object(links, "ROOT", Path(folder)):
                found = links.problems()
        wanted = ["gone.md leads to no file", "#gone leads to no heading", "p.png leads to no file", "there is no src/gone.rs"]
        self.assertEqual(len(found), len(wanted), found)
        for one, problem in zip(found, wanted):
            self.assertIn(problem, one)


if __name__ == "__main__":
    unittest.main()
