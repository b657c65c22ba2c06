"""The completions as bash uses them, and the manual pages as man shows them."""

import subprocess
import unittest

from support import HTACCESS, FolderTest, clean_env

# Asks bash for the completions of a line, as the Tab key does.
ASK = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
complete -p htaccess > /dev/null || exit 1
_htaccess htaccess "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Shell(FolderTest):
    def completions(self, *words: str) -> list[str]:
        """Returns the completions that bash offers for the last word."""
        script = self.folder / "htaccess.bash"
        script.write_text(self.run_program(HTACCESS, "completions", "bash"))
        return self.run_program("bash", "--norc", "-c", ASK, "bash", script, *words).split()

    def test_bash_completes_commands_and_options(self) -> None:
        self.assertEqual(self.completions("htaccess", "ren"), ["render"])
        self.assertEqual(self.completions("htaccess", "diff", "--exit"), ["--exit-code"])
        self.assertEqual(self.completions("htaccess", "check", "--color", "al"), ["always"])
        self.assertIn("zsh", self.completions("htaccess", "completions", ""))

    def test_bash_completes_templates_and_files(self) -> None:
        (self.folder / "nginx-own.tera").write_text("")
        (self.folder / "other.tera").write_text("")
        self.assertEqual(sorted(self.completions("htaccess", "render", "--template", "ngi")), ["nginx", "nginx-geo", "nginx-own.tera"])
        self.assertEqual(self.completions("htaccess", "render", "--template", "oth"), ["other.tera"])

    def test_man_shows_each_page_without_a_warning(self) -> None:
        self.run_program(HTACCESS, "man", "-o", "pages")
        pages = sorted((self.folder / "pages").iterdir())
        # The width and the language are fixed, because text cannot be justified in a narrow page.
        env = {name: value for name, value in clean_env().items() if not name.startswith("MAN")}
        env |= {"MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
        self.assertGreater(len(pages), 6)
        for page in pages:
            shown = subprocess.run(["man", "--warnings", "-l", page], env=env, capture_output=True, text=True)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), page)
            self.assertIn("\nEXAMPLES\n", shown.stdout)


if __name__ == "__main__":
    unittest.main()
