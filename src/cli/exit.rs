//! Exit codes and how they combine.

use std::process::ExitCode;

/// How a run ended. Where several apply, the highest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Analysed.
    Done,
    /// `--fail-on` fired.
    Findings,
    /// The command line is wrong, or an input could not be opened, is no capture, or is damaged before its end.
    Unusable,
    /// The report could not be written.
    Unwritten,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::Unusable => 2,
            Exit::Unwritten => 3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_wins() {
        assert_eq!(Exit::Findings.max(Exit::Unusable), Exit::Unusable);
        assert_eq!(Exit::Unwritten.max(Exit::Unusable), Exit::Unwritten);
        assert_eq!(Exit::Done.max(Exit::Findings), Exit::Findings);
    }
}
