//! `htaccess completions` and `htaccess man`: generate shell completions and manual pages from the
//! definition that also generates `--help`. `htaccess licenses`: prints the licences of third-party code.

use std::io;
use std::path::Path;

use clap::builder::PossibleValue;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use htaccess_generator::render::BUILT_IN;
use htaccess_generator::text::push_fmt;

use crate::cli::{Arguments, CompletionsArguments, ManArguments};
use crate::error::{CliError, ExitStatus};
use crate::input::shown;
use crate::messages::{counted, print_line};
use crate::output::{cannot_print, print_data, write_file};

const NAME: &str = "htaccess";
/// The licences and notices of all third-party code that is linked into the two programs.
static LICENSES: &[u8] = include_bytes!("../../../../THIRD-PARTY-LICENSES.txt");

/// Runs `htaccess completions`.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<ExitStatus, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        NAME,
        &mut script,
    );
    let mut script = with_templates(&String::from_utf8_lossy(&script), arguments.shell);
    if arguments.shell == Shell::Fish {
        script.push_str(&fish_values());
    }
    print_data(script.as_bytes())?;
    Ok(ExitStatus::Success)
}

/// Changes the completions so that `--template` accepts the name of a built-in template or a file.
/// `clap_complete` can complete only names or only files.
fn with_templates(script: &str, shell: Shell) -> String {
    let names = BUILT_IN.map(|template| template.name).join(" ");
    let mut replaced = String::new();
    let mut is_template = false;
    for line in script.lines() {
        let line = match shell {
            Shell::Bash if is_template => {
                line.replace("compgen -f ", &format!("compgen -f -W \"{names}\" -- "))
            }
            Shell::Zsh if line.starts_with("'--template=") => {
                line.replace(":_default'", &format!(":_{NAME}_templates'"))
            }
            Shell::Zsh if line.starts_with("if [ \"$funcstack") => format!(
                "_{NAME}_templates() {{\n    _alternative 'templates:template:({names})' 'files:file:_files'\n}}\n\n{line}"
            ),
            Shell::Fish if line.contains(" -l template ") && line.ends_with(" -r") => {
                format!("{line} -F -a \"{names}\"")
            }
            _ => line.to_owned(),
        };
        is_template = line.trim() == "--template)";
        replaced.push_str(&line);
        replaced.push('\n');
    }
    replaced
}

/// Returns fish completions for the values of positional arguments. `clap_complete` generates these
/// completions only for the other shells.
fn fish_values() -> String {
    let mut lines = String::new();
    let mut push = |command: &Command, condition: &str| {
        for argument in command.get_positionals() {
            let values = argument.get_possible_values();
            let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            if !names.is_empty() {
                let names = names.join(" ");
                push_fmt(
                    &mut lines,
                    format_args!("complete -c {NAME} -n \"{condition}\" -f -a \"{names}\"\n"),
                );
            }
        }
    };
    for command in Arguments::command().get_subcommands() {
        let condition = format!("__fish_{NAME}_using_subcommand {}", command.get_name());
        push(command, &condition);
        for below in command.get_subcommands() {
            let name = below.get_name();
            push(
                below,
                &format!("{condition}; and __fish_seen_subcommand_from {name}"),
            );
        }
    }
    lines
}

/// Runs `htaccess licenses`.
pub(crate) fn licenses() -> Result<ExitStatus, CliError> {
    print_data(LICENSES)?;
    Ok(ExitStatus::Success)
}

/// Runs `htaccess man`.
pub(crate) fn man(arguments: &ManArguments) -> Result<ExitStatus, CliError> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    match &arguments.output {
        None => print_data(&page(&command).map_err(|err| cannot_print(&err))?)?,
        Some(folder) => {
            let pages = write_pages(folder, &command)?;
            let pages = counted(pages, "page");
            print_line(&format!("{pages} written into {}", shown(folder)));
        }
    }
    Ok(ExitStatus::Success)
}

/// Writes the page of a command and the pages of its subcommands, because the command's page refers to them.
/// Returns the number of pages.
fn write_pages(folder: &Path, command: &Command) -> Result<usize, CliError> {
    write_page(folder, command)?;
    let mut pages = 1;
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            pages += write_pages(folder, below)?;
        }
    }
    Ok(pages)
}

fn write_page(folder: &Path, command: &Command) -> Result<(), CliError> {
    let name = command.get_display_name().unwrap_or(NAME);
    let page = page(command).map_err(|err| cannot_print(&err))?;
    write_file(&folder.join(format!("{name}.1")), &page).map(|_| ())
}

/// Returns the manual page of one command. The text that follows the options in `--help`, such as the
/// examples and the exit status, becomes separate sections.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let after_help = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone()).source(concat!("htaccess ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    for paragraph in after_help.iter().flat_map(|text| text.split("\n\n")) {
        let (title, text) = match paragraph.split_once(":\n") {
            Some((title, text)) => (title, text),
            None => ("Notes", paragraph),
        };
        page.extend_from_slice(section(title, text).as_bytes());
    }
    Ok(page)
}

/// Returns a section of a manual page in which the line breaks are kept.
fn section(title: &str, text: &str) -> String {
    let mut roff = format!(".SH {}\n.nf\n", title.to_uppercase());
    for line in text.lines() {
        let line = line
            .replace('\\', "\\e")
            .replace('-', "\\-")
            .replace('\'', "\\(aq");
        // roff reads a line that starts with a dot as a request, so every line starts with `\&`.
        roff.push_str("\\&");
        roff.push_str(&line);
        roff.push('\n');
    }
    roff.push_str(".fi\n");
    roff
}
