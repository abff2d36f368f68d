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
/// TCP flows remembered at once, in one shard; the one idle for longest goes first.
pub const MAX_FLOWS: usize = 65_536;
/// Capture time after which an idle TCP flow is forgotten, in seconds. SIP keep-alives come at least every 15 minutes in practice.
pub const FLOW_IDLE_SECONDS: i64 = 3_600;
/// Out-of-order bytes held for one direction of a TCP flow before the hole is called a gap.
pub const MAX_OUT_OF_ORDER_BYTES: usize = 1 << 20;
/// Out-of-order segments held for one direction of a TCP flow before the hole is called a gap.
pub const MAX_OUT_OF_ORDER_SEGMENTS: usize = 1_024;
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
/// Bytes of a SIP start line on a stream; a longer one is taken for something else. Request-URIs of a few KiB are seen.
pub const MAX_START_LINE_BYTES: usize = 16 << 10;
/// Parameters (and headers) of a URI that are compared with those of another; more would make hostile comparisons slow.
pub const MAX_COMPARED_PARAMETERS: usize = 64;
