//! Reports that are written while the input is still read.

use std::io;
use std::ops::ControlFlow;

use reinvite::analysis::Analysis;
use reinvite::report::View;

use super::output::Output;

/// Outputs of which some are written piece by piece.
#[derive(Debug)]
pub(super) struct Outputs {
    /// The outputs, each with what went wrong with it.
    outputs: Vec<(Output, Option<io::Error>)>,
}

impl Outputs {
    /// Nothing is written yet.
    pub(super) fn new(outputs: Vec<Output>) -> Self {
        Self { outputs: outputs.into_iter().map(|output| (output, None)).collect() }
    }

    /// Whether any output wants results before the input is over.
    pub(super) fn has_live(&self) -> bool {
        self.outputs.iter().any(|(output, _)| output.live().is_some())
    }

    /// Whether no output wants the results once they are written.
    pub(super) fn forgets(&self) -> bool {
        self.outputs.iter().all(|(output, _)| output.live().is_some())
    }

    /// Whether messages are quoted in any output.
    pub(super) fn quotes(&self) -> bool {
        self.outputs.iter().any(|(output, _)| output.quotes())
    }

    /// Writes results that are settled; goes on as long as anybody takes them or waits for the end.
    pub(super) fn show(&mut self, settled: &[Analysis]) -> ControlFlow<()> {
        for (output, failure) in self.outputs.iter_mut().filter(|(_, failure)| failure.is_none()) {
            let Some(live) = output.live() else { continue };
            let mut bytes = Vec::new();
            let rendered = settled.iter().try_for_each(|results| (live.results)(&View::new(results), &mut bytes));
            *failure = rendered.and_then(|()| output.show(&bytes)).err();
        }
        if self.outputs.iter().all(|(_, failure)| failure.is_some()) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// The outputs, each with what went wrong with it.
    pub(super) fn into_outputs(self) -> Vec<(Output, Option<io::Error>)> {
        self.outputs
    }
}
