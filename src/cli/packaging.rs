//! `reinvite man` and `reinvite completions`: what packages install beside the program.

use clap::{Args, CommandFactory};

use super::{Arguments, Exit, complain, say};

/// Options of `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    /// Writes the script.
    pub(super) fn run(&self) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "reinvite", &mut script);
        say(&script)
    }
}

/// Writes the manual page: the program, then each command.
pub(super) fn man() -> Exit {
    match page() {
        Ok(page) => say(&page),
        Err(problem) => {
            complain(&problem);
            Exit::Unwritten
        }
    }
}

fn page() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    let manual = clap_mangen::Man::new(command.clone());
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    manual.render_subcommands_section(&mut page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let heading = format!(".SH \"REINVITE {}\"\n", subcommand.get_name().to_uppercase());
        page.extend_from_slice(heading.as_bytes());
        let manual = clap_mangen::Man::new(subcommand.clone());
        let mut section = Vec::new();
        manual.render_synopsis_section(&mut section)?;
        manual.render_description_section(&mut section)?;
        manual.render_options_section(&mut section)?;
        // Sections of a command are below the command.
        let text = String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS ");
        page.extend_from_slice(
            text.strip_prefix(".SH ").map_or_else(|| text.clone(), |rest| format!(".SS {rest}")).as_bytes(),
        );
    }
    page.extend_from_slice(EXIT_CODES.as_bytes());
    Ok(page)
}

/// The section that the definition of the command line does not hold.
const EXIT_CODES: &str = ".SH \"EXIT STATUS\"
.TP
0
Analysed. A last record cut short is still 0.
.TP
1
\\-\\-fail\\-on fired.
.TP
2
The command line is wrong, or an input could not be opened, is no capture, or is damaged before its end; the report of what could be read is
written all the same.
.TP
3
The report could not be written.
";
