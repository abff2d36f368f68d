//! What was looked at, what was not, and why.

use std::collections::BTreeMap;

use super::model;
use crate::analysis::Analysis;

/// The section of a report about the quality of its inputs.
pub(super) fn quality(analysis: &Analysis) -> model::CaptureQuality {
    let counters = &analysis.counters;
    let decode = &counters.decode;
    let messages = &counters.messages;
    model::CaptureQuality {
        frames: model::Frames {
            read: decode.frames,
            reassembled: decode.reassembled,
            aggregates: decode.aggregates,
            aggregated: decode.aggregated,
            datagrams: decode.datagrams,
            segments: decode.segments,
            sctp_packets: decode.sctp_packets,
            fragments: decode.fragments,
            skipped: decode.skips().map(|(skip, count)| (skip.name(), count)).collect(),
        },
        datagrams: datagrams(analysis),
        fragments: fragments(analysis),
        tcp: tcp(analysis),
        sctp: sctp(analysis),
        sip: model::Sip {
            framed: messages.framed,
            parsed: messages.parsed,
            rejected: messages.rejected,
            rejected_causes: messages.rejected_by_cause(),
            uncorrelated: messages.uncorrelated,
            anomalies: messages.anomalies_by_name(),
        },
        mirror_duplicates: analysis.mirror_duplicates,
        limits_reached: limits_reached(analysis),
    }
}

fn datagrams(analysis: &Analysis) -> BTreeMap<&'static str, u64> {
    let counters = &analysis.counters;
    let recognised = counters.decode.recognised().map(|(what, count)| (what.name(), count));
    recognised.chain([("sip", counters.sip_datagrams), ("other", counters.other_datagrams)]).collect()
}

fn fragments(analysis: &Analysis) -> BTreeMap<&'static str, u64> {
    let stats = &analysis.counters.fragments;
    BTreeMap::from([
        ("seen", stats.fragments),
        ("used", stats.used),
        ("duplicates", stats.duplicates),
        ("truncated", stats.truncated),
        ("refused", stats.refused),
        ("timed_out", stats.timed_out),
        ("evicted", stats.evicted),
        ("incomplete", stats.open),
        ("packets", stats.packets),
        ("conflicts", stats.conflicts),
    ])
}

fn tcp(analysis: &Analysis) -> BTreeMap<&'static str, u64> {
    let (streams, framer) = (&analysis.counters.streams, &analysis.counters.framer);
    let assembler = &streams.assembler;
    let mut all = BTreeMap::from([
        ("connections", streams.connections),
        ("connections_with_sip", streams.ours),
        ("connections_dismissed", streams.dismissed),
        ("connections_tls", streams.tls),
        ("proxy_headers", streams.proxy_headers),
        ("segments", streams.segments),
        ("segments_ignored", streams.ignored_segments),
        ("segments_out_of_order", assembler.out_of_order_segments),
        ("segments_duplicate", assembler.duplicate_segments),
        ("bytes", streams.bytes),
        ("bytes_ignored", streams.ignored_bytes),
        ("bytes_delivered", assembler.delivered_bytes),
        ("bytes_duplicate", assembler.duplicate_bytes),
        ("bytes_dropped", assembler.dropped_bytes),
        ("gaps", assembler.gaps),
        ("gap_bytes", assembler.gap_bytes),
        ("conflicts", assembler.conflicts),
        ("resets", assembler.resets),
        ("keep_alive_bytes", framer.keep_alive_bytes),
        ("skipped_bytes", framer.skipped_bytes),
        ("framing_lost", framer.framing_lost),
        ("resyncs", framer.resyncs),
        ("messages_incomplete", framer.incomplete),
        ("messages_cut_by_gap", framer.cut_by_gap),
        ("messages_unfinished", framer.unfinished),
    ]);
    let hep = &analysis.counters.hep;
    if hep.bytes > 0 {
        all.extend([
            ("hep_bytes", hep.bytes),
            ("hep_bytes_skipped", hep.skipped_bytes),
            ("hep_packets", hep.packets),
            ("hep_framing_lost", hep.framing_lost),
            ("hep_resyncs", hep.resyncs),
        ]);
    }
    let web_sockets = &analysis.counters.web_sockets;
    if web_sockets.bytes > 0 {
        all.extend([
            ("websocket_bytes", web_sockets.bytes),
            ("websocket_bytes_skipped", web_sockets.skipped_bytes),
            ("websocket_upgrades", web_sockets.upgrades),
            ("websocket_frames", web_sockets.frames),
            ("websocket_control_frames", web_sockets.control_frames),
            ("websocket_messages", web_sockets.messages),
            ("websocket_messages_other", web_sockets.other_messages),
            ("websocket_messages_compressed", web_sockets.compressed),
            ("websocket_messages_unreadable", web_sockets.unreadable),
            ("websocket_framing_lost", web_sockets.framing_lost),
        ]);
    }
    all
}

fn sctp(analysis: &Analysis) -> BTreeMap<&'static str, u64> {
    let stats = &analysis.counters.sctp;
    if stats.packets == 0 {
        return BTreeMap::new();
    }
    BTreeMap::from([
        ("packets", stats.packets),
        ("directions", stats.directions),
        ("chunks", stats.chunks),
        ("chunks_used", stats.used),
        ("chunks_duplicate", stats.duplicates),
        ("chunks_unwanted", stats.unwanted),
        ("chunks_given_up", stats.given_up),
        ("chunks_lost", stats.lost_chunks),
        ("messages", stats.messages),
        ("messages_cut", stats.cut),
    ])
}

/// The limits that were reached, with how often.
fn limits_reached(analysis: &Analysis) -> BTreeMap<&'static str, u64> {
    let counters = &analysis.counters;
    let all = [
        ("call_ids_forgotten", analysis.calls.forgotten),
        ("calls_ended_early", analysis.calls.evicted),
        ("calls_too_long", analysis.calls.too_long),
        ("fragments_evicted", counters.fragments.evicted),
        ("fragments_nested", counters.nested_too_deep),
        ("links", analysis.link_limits_reached),
        ("losses", analysis.losses_beyond_limit),
        ("endings", analysis.endings_beyond_limit),
        ("sources", u64::from(analysis.sources_beyond_limit)),
        ("messages_oversize", counters.framer.oversize + counters.web_sockets.oversize),
        ("sctp_given_up", counters.sctp.evictions),
        ("odd_elements", analysis.odd_beyond_limit),
        ("tcp_connections_evicted", counters.streams.evicted),
        ("tcp_messages_dropped", counters.streams.shed),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}
