//! Excerpts of captures: what is said of the calls in them is what was said of them before.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use reinvite::analysis::Analysis;
use reinvite::capture::{Feeder, Window};
use reinvite::correlation::{Filter, Text};
use reinvite::findings::Scope;
use reinvite::options::Options;
use reinvite::pipeline::{Excerpt, analyze, analyze_feed, excerpt, workers};

/// An excerpt, and what was said before and is said of it.
pub(crate) struct Excerpted {
    pub(crate) before: Analysis,
    pub(crate) after: Analysis,
    pub(crate) file: Vec<u8>,
    pub(crate) count: Excerpt,
}

/// The packets of the calls that a run over these files lists.
pub(crate) fn excerpt_of(captures: &[PathBuf], options: &Options) -> Excerpted {
    let workers = workers(2).expect("threads");
    let before = analyze(captures, options).expect("captures");
    let mut file = Vec::new();
    let count = excerpt(&before, options, &workers, (Path::new("memory"), &mut file)).expect("memory");
    let options = Options { filter: Filter::default(), ..options.clone() };
    let stream: Box<dyn std::io::Read + Send> = Box::new(Cursor::new(file.clone()));
    let feeder = Feeder::from_streams(vec![("memory".into(), stream)], &options.capture);
    let after = analyze_feed(feeder, &options, &workers);
    Excerpted { before, after, file, count }
}

impl Excerpted {
    /// What is wrong with the excerpt: anything that is not said of its calls as before, or any call that is listed anew.
    pub(crate) fn problems(&self) -> Vec<String> {
        let listed = |analysis: &Analysis| -> BTreeSet<Text> {
            analysis.listed.iter().map(|dialog| dialog.call_id.clone()).collect()
        };
        let calls = listed(&self.before);
        let (before, after) = (said(&self.before, &calls), said(&self.after, &calls));
        let lost = before.difference(&after).map(|line| format!("lost: {line}"));
        let new = after.difference(&before).map(|line| format!("new: {line}"));
        let other = listed(&self.after).into_iter().filter(|call| !calls.contains(call));
        let other = other.map(|call| format!("listed: {}", String::from_utf8_lossy(&call)));
        let frames = Window::from_capture(self.file.clone()).map_or(0, |window| window.frame_count);
        let is_odd = frames < self.count.packets || self.after.inputs.iter().any(|input| input.frames != frames);
        let count = is_odd.then(|| format!("{frames} frames of which {} are needed", self.count.packets));
        lost.chain(new).chain(other).chain(count).collect()
    }
}

/// What is said of calls, a line for each thing. What counts over all calls is left out.
fn said(analysis: &Analysis, calls: &BTreeSet<Text>) -> BTreeSet<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let redirects = analysis.redirects.iter().filter(|judged| calls.contains(&judged.redirect.call_id)).map(|judged| {
        let redirect = &judged.redirect;
        let next = redirect.follow_up.as_ref().map(|next| (next.link, text(&next.uri), next.final_status));
        format!(
            "{} {:?} {} {:?} {next:?} {:?} {} hops, {} repeats, {} mirrored, position {} of {}, still calling: {}",
            text(&redirect.call_id),
            redirect.time,
            redirect.status,
            judged.outcome,
            redirect.final_status,
            redirect.hops_seen,
            redirect.retransmissions,
            redirect.mirror_duplicates,
            redirect.chain_position,
            redirect.chain_length,
            judged.still_calling_old,
        )
    });
    let negotiations = analysis.negotiations.iter().filter(|judged| calls.contains(&judged.negotiation.call_id));
    let negotiations = negotiations.map(|judged| {
        let negotiation = &judged.negotiation;
        let rounds = negotiation.rounds.len();
        format!("{} {:?} {rounds} rounds, {:?}", text(&negotiation.call_id), judged.outcome, negotiation.agreed)
    });
    let findings = analysis.findings.iter().filter(|finding| calls.contains(&finding.call_id));
    let of_calls = findings.filter(|finding| !matches!(finding.scope, Scope::Client | Scope::Capture));
    let findings = of_calls.map(|finding| {
        let (rule, severity, confidence) = (finding.rule.id, finding.severity, finding.confidence);
        format!("{} {rule} {severity:?} {confidence:?}: {}", text(&finding.call_id), finding.summary)
    });
    redirects.chain(negotiations).chain(findings).collect()
}
