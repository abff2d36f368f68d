//! Every bound on what may grow, with the reason for its value. Reaching one is counted and reported.

/// Largest record (or pcapng block) that is believed, in bytes. Wireshark allows 256 KiB for packets; blocks may hold long options.
pub const MAX_RECORD_BYTES: u32 = 16 << 20;
/// Interfaces of one pcapng section that are remembered; packets of later ones are skipped.
pub const MAX_INTERFACES: usize = 65_536;
/// Nested VLAN tags, tunnels and IPv6 extension headers that are followed in one frame.
pub const MAX_LAYERS: usize = 16;
/// Fragmented packets in reassembly at once, in one shard; the oldest goes first.
pub const MAX_FRAGMENTED_PACKETS: usize = 1_024;
/// Fragments held for one packet. A 64 KiB packet in the least useful fragments of 576-byte links has 120.
pub const MAX_FRAGMENTS_PER_PACKET: usize = 1_024;
/// Capture time after which an incomplete packet is given up, in seconds (RFC 8200 4.5 says 60, RFC 1122 3.3.2 60 to 120).
pub const FRAGMENT_TIMEOUT_SECONDS: i64 = 60;
/// Memory for incomplete packets, in one shard, in bytes; the oldest packet goes first.
pub const MAX_FRAGMENT_BYTES: usize = 4 << 20;
/// Bytes of the payload of one IP packet (RFC 791 3.1: a length of 16 bits).
pub const MAX_PACKET_BYTES: usize = 65_535;
/// Capture time within which a fragment equal to one of a packet that became whole is a copy of it, in seconds. Mirror
/// ports give copies within milliseconds; identifications return no sooner than after 65536 packets.
pub const FRAGMENT_COPY_SECONDS: i64 = 1;
/// TCP flows remembered at once, in one shard; the one idle for longest goes first.
pub const MAX_FLOWS: usize = 65_536;
/// Capture time after which an idle TCP flow is forgotten, in seconds. SIP keep-alives come at least every 15 minutes in practice.
pub const FLOW_IDLE_SECONDS: i64 = 3_600;
/// Out-of-order bytes held for one direction of a TCP flow before the hole is called a gap.
pub const MAX_OUT_OF_ORDER_BYTES: usize = 1 << 20;
/// Out-of-order segments held for one direction of a TCP flow before the hole is called a gap.
pub const MAX_OUT_OF_ORDER_SEGMENTS: usize = 1_024;
/// Capture time after which a hole in one direction of a TCP flow is called a gap, in seconds, when the other direction
/// says nothing. A lost segment is sent again after 1 s at first, then 2 s (RFC 6298 2).
pub const HOLE_TIMEOUT_SECONDS: i64 = 3;
/// Capture time by which frames may be out of order in a capture, in nanoseconds: so long after the other side has
/// acknowledged a hole it is called a gap. Queues of a capturing host differ by less than a millisecond.
pub const REORDER_NANOS: i64 = 10_000_000;
/// Bytes by which the segments at the start of a capture may be out of order in one direction of a flow.
pub const MAX_START_REORDER_BYTES: u64 = 64 << 10;
/// Distance in sequence numbers beyond which a segment belongs to another stream than the one before. Windows of
/// signalling are far smaller; a larger one would mistake the start of a new connection for an old segment more often.
pub const MAX_SEQUENCE_JUMP: u64 = 4 << 20;
/// Memory for what is out of order in a flow that is undecided, in bytes.
pub const MAX_UNDECIDED_HELD_BYTES: usize = 64 << 10;
/// Memory for what is out of order in all TCP flows of one shard, in bytes; beyond it the flow that adds to it calls its
/// holes gaps.
pub const MAX_SHARD_HELD_BYTES: usize = 32 << 20;
/// Bytes of a stream that may be looked at without finding SIP before the flow is dropped.
pub const MAX_UNDECIDED_BYTES: usize = 16 << 10;
/// Segments of a flow that may be looked at without finding SIP before the flow is dropped.
pub const MAX_UNDECIDED_SEGMENTS: usize = 16;
/// Bytes of one SIP message on a stream; a longer one is dropped and the stream resynchronised.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Headers that are listed of one message; further ones are counted as an anomaly.
pub const MAX_HEADERS: usize = 4_096;
/// Anomalies that are listed of one message.
pub const MAX_ANOMALIES: usize = 16;
