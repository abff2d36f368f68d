//! Judges a call that is over, as far as it can be judged by itself.

use std::net::IpAddr;

use foldhash::HashSet;

use super::chosen::Tally;
use crate::correlation::{
    Attempts, CallView, Ended, Hop, Links, ListedDialog, Marks, Negotiation, Oddity, Place, Redirect, Redirections,
    Sighting, Text, Watch, dialogs, exchanges, listing, matches, mirrors, negotiations, place_of,
};
use crate::findings::{DialogCase, Ending, Severity, ShortInterval, Stated, ending, judge_dialog, short_interval};
use crate::net::{Endpoint, Transport};
use crate::options::{DialogsListed, Options};
use crate::sip::{Refresher, Uri};
use crate::time::Timestamp;

/// How a request ended that may belong to a redirect or 422 of another call.
#[derive(Debug)]
pub(crate) struct StartOutcome {
    pub(crate) place: Place,
    pub(crate) time: Timestamp,
    pub(crate) call_id: Text,
    pub(crate) client: IpAddr,
    pub(crate) source: Endpoint,
    pub(crate) uri: Text,
    /// Whether To names the same user as the Request-URI: else what was dialled is another address (RFC 3261 8.1.3.4).
    pub(crate) as_dialled: bool,
    pub(crate) attempt_status: Option<u16>,
    pub(crate) final_status: Option<u16>,
    pub(crate) session_expires: crate::correlation::Seconds,
    pub(crate) min_se: crate::correlation::Seconds,
    pub(crate) supports_timer: bool,
    /// The URI of its top Route, and where it was sent.
    pub(crate) way: (Text, Endpoint),
    /// The first redirect that it met.
    pub(crate) redirect: Option<Place>,
    /// Session-Expires and refresher of the 2xx with which it ended.
    pub(crate) agreed: (Option<u64>, Option<Refresher>),
    /// Whether it follows a redirect or 422: known when its call is settled.
    pub(crate) follows: bool,
}

impl StartOutcome {
    /// This request, with another that shows the same.
    pub(crate) fn sighting(&self, other: Place) -> Sighting {
        Sighting {
            order: (self.time, self.place.input, self.place.frame, self.place.position),
            place: self.place,
            time: self.time,
            source: self.source,
            destination: self.way.1,
            transport: Transport::Udp,
            call_id: self.call_id.clone(),
            agent: None,
            numbers: [None; 2],
            words: Default::default(),
            other: Some(other),
        }
    }
}

/// What is known of a finished call.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// What stands for it among calls.
    pub(crate) instance: u64,
    /// When it was over.
    pub(crate) over: Timestamp,
    /// Whether others may be waiting for it, though there may be nothing to say of it.
    pub(crate) is_awaited: bool,
    pub(crate) redirects: Vec<Box<Redirect>>,
    pub(crate) negotiations: Vec<Box<Negotiation>>,
    pub(crate) findings: Vec<Box<Stated>>,
    pub(crate) listed: Vec<Box<ListedDialog>>,
    /// Whether it is listed whatever becomes of its findings.
    pub(crate) listed_anyway: bool,
    pub(crate) starts: Vec<StartOutcome>,
    /// Requests that are too large for UDP, with how they were seen.
    pub(crate) oversize: Vec<(Oddity, Sighting)>,
    pub(crate) dialogs: u64,
    pub(crate) mirrors: u64,
    /// The short session interval that it asks for, if it is among the calls chosen.
    pub(crate) short_interval: Option<ShortInterval>,
    /// How it ended, if that was when its session was about to expire and it is among the calls chosen.
    pub(crate) ending: Option<Ending>,
    /// Its Call-ID, if there is a filter and it takes the call.
    pub(crate) selected: Option<Text>,
    /// With a filter: what the call adds to the totals, if it is among those chosen or may come to be.
    pub(crate) tally: Option<Tally>,
}

impl Judged {
    /// Whether there is more to it than its counts.
    pub(crate) fn is_kept(&self) -> bool {
        let adds_up = self.tally.is_some() || self.short_interval.is_some() || self.ending.is_some();
        self.has_results() || adds_up || self.is_awaited
    }

    /// Whether anything of it may be reported or linked.
    pub(crate) fn has_results(&self) -> bool {
        !(self.redirects.is_empty()
            && self.negotiations.is_empty()
            && self.findings.is_empty()
            && self.listed.is_empty()
            && self.oversize.is_empty()
            && self.starts.is_empty())
    }
}

/// Works out everything about a call over all its messages.
pub(crate) fn judge(mut call: Ended, links: &Links, options: &Options) -> Judged {
    std::hint::black_box(call.warm());
    let listed = options.dialogs;
    if !call.records.is_sorted_by_key(|record| record.order()) {
        call.records.sort_by_key(|record| record.order());
    }
    let mirrors = mirrors(&call.records, options.settings.mirror_spans());
    let view = CallView::of(&call, &mirrors);
    let redirections = Redirections::find(&view);
    let attempts = Attempts::of(&view, &redirections);
    let dialogs = dialogs(&view);
    let exchanges = exchanges(&view);
    let case = DialogCase { view: &view, dialogs: dialogs.list(), exchanges: &exchanges, settings: &options.settings };
    let mut judged = Judged {
        instance: call.instance,
        over: call.watched_until,
        redirects: boxed(redirections.list(&view, &attempts)),
        negotiations: boxed(negotiations(&view, &attempts)),
        findings: judge_dialog(&case),
        short_interval: short_interval(&case),
        ending: ending(&case),
        oversize: oversize(&view),
        dialogs: dialogs.list().len() as u64,
        mirrors: mirrors.iter().flatten().count() as u64,
        ..Judged::default()
    };
    if !judged.findings.is_empty() && view.has_cut_heads() {
        doubt_cut_heads(&view, &mut judged.findings);
    }
    let flagged = !judged.redirects.is_empty() || !judged.negotiations.is_empty();
    let may_be_flagged = judged.findings.iter().any(|finding| finding.severity >= Severity::Notice);
    judged.listed_anyway = flagged || listed == DialogsListed::All;
    // A finding about redirects or negotiations comes with one, so only those about dialogs can flag a call later.
    if judged.listed_anyway && listed != DialogsListed::None || (listed == DialogsListed::Flagged && may_be_flagged) {
        judged.listed = boxed(listing(&view, &dialogs, options.quotable));
    }
    if links.has_targets() {
        judged.starts = starts(&view, links, &redirections, &attempts);
    }
    if !options.filter.is_empty() {
        let selected = options.filter.takes(&call);
        let may_be_linked = flagged || !judged.starts.is_empty();
        if !selected && !may_be_linked {
            let Judged { instance, over, mirrors, .. } = judged;
            return Judged { instance, over, mirrors, ..Judged::default() };
        }
        judged.short_interval = judged.short_interval.filter(|_| selected);
        judged.ending = judged.ending.filter(|_| selected);
        judged.tally = Some(Tally::of(&call, judged.dialogs, selected));
    }
    judged
}

/// Takes back what rests on messages of which the capture lacks part of the head.
fn doubt_cut_heads(view: &CallView<'_>, findings: &mut [Box<Stated>]) {
    let cut = view.records.iter().filter(|record| record.marks.has(Marks::HEAD_CUT));
    let cut: HashSet<Place> = cut.map(place_of).collect();
    for stated in findings {
        let finding = &mut stated.finding;
        if finding.evidence.iter().any(|evidence| cut.contains(&evidence.place)) {
            finding.watch = Some(Watch::default());
        }
    }
}

/// What is kept of many calls in one list, which would be copied whenever it grows.
fn boxed<T>(list: Vec<T>) -> Vec<Box<T>> {
    list.into_iter().map(Box::new).collect()
}

/// The requests on UDP that are too large for it, each on the hop nearest its originator.
fn oversize(view: &CallView<'_>) -> Vec<(Oddity, Sighting)> {
    let hops = view.transactions.hops.iter().filter(|hop| hop.parent.is_none() && hop.transport == Transport::Udp);
    let large = hops
        .filter_map(|hop| Some((hop, view.request(hop)?)))
        .filter(|(_, request)| request.marks.has(Marks::OVERSIZE));
    let seen = large.map(|(hop, request)| {
        let place = place_of(request);
        let first_hop = view.depth(hop) <= 1;
        let sighting = Sighting {
            order: (request.time, request.input, request.frame, request.position),
            place,
            time: request.time,
            source: hop.client,
            destination: hop.server,
            transport: hop.transport,
            call_id: view.call_id.into(),
            agent: view.client(hop).agent.filter(|_| first_hop),
            numbers: [request.extra.as_ref().map(|extra| extra.octets as u64), None],
            words: Default::default(),
            other: None,
        };
        (if first_hop { Oddity::Oversize } else { Oddity::OversizeOnTheWay }, sighting)
    });
    seen.collect()
}

fn starts(
    view: &CallView<'_>,
    links: &Links,
    redirections: &Redirections,
    attempts: &Attempts<'_>,
) -> Vec<StartOutcome> {
    // Of several copies any may be the one that came first.
    let asked = view.records.iter().zip(&view.transactions.hop_of).filter_map(|(record, hop)| {
        let place = place_of(record);
        if !record.is_request() || !links.is_target(place) || record.marks.has(Marks::HEAD_CUT) {
            return None;
        }
        let index = (*hop)?;
        let hop = view.hop(index)?;
        let request = view.request(hop)?;
        let end = attempts.end(index).and_then(Hop::final_answer);
        let success = end.filter(|answer| answer.status < 300).and_then(|answer| view.record(answer.first));
        Some(StartOutcome {
            place,
            time: request.time,
            call_id: view.call_id.into(),
            client: hop.client.address,
            source: hop.client,
            uri: view.text(request.subject),
            as_dialled: same_user(view.texts.get(request.subject), view.texts.get(request.to_uri)),
            attempt_status: hop.final_status(),
            final_status: end.map(|answer| answer.status),
            session_expires: request.session_expires,
            min_se: request.min_se,
            supports_timer: request.supports_timer,
            way: (view.text(request.onward), hop.server),
            redirect: attempts.redirect(index).and_then(|at| redirections.place(view, at)),
            agreed: success.map_or((None, None), |answer| (answer.session_expires.value(), answer.refresher)),
            follows: false,
        })
    });
    asked.collect()
}

/// Whether two URIs name one user, at whatever host; or are the same.
fn same_user(one: &[u8], other: &[u8]) -> bool {
    let user = |uri| Uri::parse(uri).ok().and_then(|uri| Some(uri.as_sip()?.user.unwrap_or_default().to_vec()));
    matches(one, other) || user(one).is_some_and(|own| Some(own) == user(other))
}
