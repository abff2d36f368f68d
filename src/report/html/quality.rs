//! What was not looked at, and why.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Page;
use super::parts::dots;

/// The last section.
pub(super) fn quality(page: &Page<'_, '_>) -> Markup {
    let quality = page.view.capture_quality();
    let summary = page.view.summary();
    let losses = ["refused", "timed_out", "evicted", "incomplete", "truncated", "conflicts"];
    let gaps = [
        "gaps",
        "gap_bytes",
        "bytes_dropped",
        "conflicts",
        "framing_lost",
        "skipped_bytes",
        "messages_incomplete",
        "messages_cut_by_gap",
        "messages_unfinished",
        "connections_dismissed",
    ];
    let some = |counts: &BTreeMap<&'static str, u64>, names: &[&str]| -> Vec<(&'static str, u64)> {
        counts
            .iter()
            .filter(|(name, count)| **count > 0 && names.contains(*name))
            .map(|(name, count)| (*name, *count))
            .collect()
    };
    let every = |counts: &BTreeMap<&'static str, u64>| -> Vec<(&'static str, u64)> {
        counts.iter().filter(|(_, count)| **count > 0).map(|(name, count)| (*name, *count)).collect()
    };
    let frames = &quality.frames;
    let messages: Vec<(&str, u64)> = [("rejected", quality.sip.rejected), ("uncorrelated", quality.sip.uncorrelated)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    html! {
        section #quality {
            h2 { "What was not looked at" }
            p.lead {
                (dots(frames.read)) " frames were read: " (dots(frames.datagrams)) " datagrams, " (dots(frames.segments)) " segments, "
                (dots(frames.fragments)) " fragments, " (dots(frames.skipped.values().sum::<u64>())) " skipped. "
                (dots(quality.sip.parsed)) " of " (dots(quality.sip.framed)) " SIP messages could be read; "
                (dots(quality.mirror_duplicates)) " copies that the capture holds twice were set aside."
            }
            div.columns {
                (counts("Frames skipped", "What a frame holds that is not SIP, or cannot be followed.", &every(&frames.skipped)))
                (counts("Fragments", "Packets that could not be put together.", &some(&quality.fragments, &losses)))
                (counts("Streams", "What is missing from TCP connections; connections without SIP are dismissed.", &some(&quality.tcp, &gaps)))
                (counts("Messages", "SIP that could not be used.", &messages))
                (counts("Oddities of messages", "Read all the same.", &every(&quality.sip.anomalies)))
                (counts("Not decided", "Rules that would have needed more than the capture shows.", &every(&summary.indeterminate)))
                (counts("Limits reached", "Bounds of this program that something met; what lies beyond was not followed.", &every(&quality.limits_reached)))
            }
        }
    }
}

fn counts(title: &str, what: &str, counts: &[(&str, u64)]) -> Markup {
    html! {
        @if !counts.is_empty() {
            div.card {
                h3 { (title) }
                p.small { (what) }
                dl { @for (name, count) in counts { div { dt { (name.replace('_', " ")) } dd { (dots(*count)) } } } }
            }
        }
    }
}
