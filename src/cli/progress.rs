//! What a person at a terminal sees while a run goes on, and its summary.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use reinvite::progress::Progress;
use reinvite::report::View;

use super::complain;

/// How often the line is drawn anew.
const EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where there is no terminal.
const EVERY_LINE: Duration = Duration::from_secs(5);
/// With a known end, and without.
const KNOWN: &str = "{bar:24} {bytes}/{total_bytes} {bytes_per_sec} {msg} {eta} left";
const UNKNOWN: &str = "{spinner} {bytes} {bytes_per_sec} {msg} {elapsed}";

/// Does `work` with a line about it on standard error if `shown`; `total` is the number of bytes to come, if it is known.
pub(super) fn watched<T: Send>(
    shown: bool,
    total: Option<u64>,
    progress: &Progress,
    work: impl FnOnce() -> T + Send,
) -> T {
    if !shown {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, waiting) = mpsc::channel::<()>();
        scope.spawn(move || {
            if !io::stderr().is_terminal() {
                while waiting.recv_timeout(EVERY_LINE) == Err(RecvTimeoutError::Timeout) {
                    let (bytes, frames, calls) = (progress.bytes(), progress.frames(), progress.calls());
                    complain(&format!("{bytes} bytes, {frames} packets, {calls} calls so far"));
                }
                return;
            }
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            bar.set_style(style(if total.is_some() { KNOWN } else { UNKNOWN }));
            while waiting.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let seconds = bar.elapsed().as_secs().max(1);
                let (frames, calls) = (progress.frames(), progress.calls());
                if total.is_some_and(|total| progress.bytes() > total) {
                    // More than the sizes of the files said: an input is compressed, and the end is not known.
                    bar.unset_length();
                    bar.set_style(style(UNKNOWN));
                }
                bar.set_position(progress.bytes());
                bar.set_message(format!("{} packets/s, {calls} calls,", frames.checked_div(seconds).unwrap_or(0)));
                bar.tick();
            }
            bar.finish_and_clear();
        });
        let result = work();
        drop(done);
        result
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Says in a few lines what came out.
pub(super) fn summarise(view: &View<'_>, verbose: bool) {
    let summary = view.summary();
    let outcomes = |counts: &std::collections::BTreeMap<&str, u64>| {
        let named = counts.iter().filter(|(_, count)| **count > 0);
        let words: Vec<String> = named.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    };
    complain(&format!("{} frames, {} SIP messages, {} calls", summary.frames, summary.sip_messages, summary.calls));
    complain(&format!(
        "{} redirects{}, {} negotiations{}, {} findings{}",
        summary.redirects.total,
        outcomes(&summary.redirects.by_outcome),
        summary.negotiations.total,
        outcomes(&summary.negotiations.by_outcome),
        summary.findings.values().sum::<u64>(),
        outcomes(&summary.findings),
    ));
    if summary.known_findings > 0 {
        complain(&format!("{} findings are in the baseline", summary.known_findings));
    }
    if verbose {
        let quality = view.capture_quality();
        complain(&format!("not looked at:{}", or_nothing(outcomes(&quality.frames.skipped))));
        complain(&format!("oddities in messages:{}", or_nothing(outcomes(&quality.sip.anomalies))));
        complain(&format!("limits reached:{}", or_nothing(outcomes(&quality.limits_reached))));
    }
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { " nothing".to_owned() } else { text }
}
