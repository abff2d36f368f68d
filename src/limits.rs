//! Every bound on what may grow, with the reason for its value. Reaching one is counted and reported.

/// Largest record (or pcapng block) that is believed, in bytes. Wireshark allows 256 KiB for packets; blocks may hold long options.
pub const MAX_RECORD_BYTES: u32 = 16 << 20;
/// Largest record that is believed of damaged data, in bytes: what Wireshark allows for packets.
pub const MAX_PLAUSIBLE_RECORD_BYTES: usize = 256 << 10;
/// Seconds by which the times of two neighbouring records may differ before their headers need to be confirmed.
pub const PLAUSIBLE_JUMP_SECONDS: i64 = 7 * 24 * 3_600;
/// Bytes of damaged data in which records are looked for at first. Damage is often small, and there may be much of it.
pub const SEARCH_START_BYTES: usize = 16 << 10;
/// Bytes of damaged data in which records are looked for at a time in the end: a few of the largest that are believed.
pub const SEARCH_BLOCK_BYTES: usize = 1 << 20;
/// Headers that are followed in one of these searches.
pub const MAX_SEARCH_STEPS: u32 = 1 << 18;
/// Records that must follow each other behind damage before reading goes on there. One header is a matter of chance.
pub const SEARCH_RECORDS: u8 = 3;
/// The same if their times are far from those before the damage.
pub const SEARCH_STRANGE_RECORDS: u8 = 8;
/// Bytes within which records may follow each other and still be those of a capture that is carried in a packet.
pub const MAX_CARRIED_CAPTURE_BYTES: usize = 64 << 10;
/// Times that records which follow each other are given up for others that go on for longer.
pub const MAX_SEARCH_RIVALS: usize = 8;
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
/// TCP flows remembered at once, in one shard; the one idle for longest goes first. Each takes up to 1.2 KiB, so that all flows of
/// all shards take 630 MB at most.
pub const MAX_FLOWS: usize = 16_384;
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
/// holes gaps. All shards together hold 256 MB, which is the first segment of a hundred thousand connections.
pub const MAX_SHARD_HELD_BYTES: usize = 8 << 20;
/// Directions of SCTP associations remembered at once, in one shard; the one idle for longest goes first. Each remembers 2 KiB.
pub const MAX_SCTP_DIRECTIONS: usize = 1_024;
/// SCTP chunks of one direction that are remembered to know copies of them. Chunks that are on their way at once are fewer.
pub const REMEMBERED_TSNS: usize = 128;
/// Distance in transmission sequence numbers beyond which a chunk belongs to another association than the one before.
pub const MAX_TSN_JUMP: u64 = 1 << 16;
/// Capture time after which a chunk that did not come is lost, in seconds: it is sent again after 1, 3 and 7 s (RFC 9260 6.3).
pub const SCTP_LOSS_SECONDS: i64 = 10;
/// Runs of chunks of one direction that are missed at once.
pub const MAX_SCTP_HOLES: usize = 16;
/// Pieces of SCTP messages held for one direction. A message of 64 KiB has 46 on Ethernet.
pub const MAX_SCTP_PIECES: usize = 1_024;
/// Memory for pieces of SCTP messages of one direction, in bytes.
pub const MAX_SCTP_HELD_BYTES: usize = 1 << 20;
/// Memory for pieces of SCTP messages in one shard, in bytes; beyond it the direction that adds to it gives its up.
pub const MAX_SCTP_SHARD_HELD_BYTES: usize = 8 << 20;
/// Bytes of a stream that may be looked at without finding SIP before the flow is dropped.
pub const MAX_UNDECIDED_BYTES: usize = 16 << 10;
/// Segments of a flow that may be looked at without finding SIP before the flow is dropped.
pub const MAX_UNDECIDED_SEGMENTS: usize = 16;
/// Bytes of the header of a load balancer that is waited for. Addresses take 216 at most; what is added is short.
pub const MAX_PROXY_HEADER_BYTES: usize = 2 << 10;
/// Bytes of the head of an HTTP message that may make a WebSocket of its connection. Servers commonly refuse longer ones.
pub const MAX_UPGRADE_BYTES: usize = 16 << 10;
/// What a byte of a compressed WebSocket message may become, on average of all messages of a direction, besides what follows. Messages
/// that are the same again and again become 40 times as long.
pub const MAX_INFLATION_RATIO: usize = 128;
/// Bytes that the compressed messages of a WebSocket may become whatever their length is.
pub const FREE_INFLATION_BYTES: usize = 1 << 20;
/// Memory of all streams of one shard for what is no whole message yet, in bytes; beyond it, what was idle for longest is lost. All shards
/// together hold 256 MB, which is a hundred thousand messages in work at once.
pub const MAX_SHARD_PENDING_BYTES: usize = 8 << 20;
/// Bytes of one SIP message on a stream; a longer one is dropped and the stream resynchronised.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Headers that are listed of one message; further ones are counted as an anomaly.
pub const MAX_HEADERS: usize = 4_096;
/// Anomalies that are listed of one message.
pub const MAX_ANOMALIES: usize = 16;
/// Seconds that capture time may go forward in one step before further frames must confirm it. Nothing that is timed by
/// it lasts longer than a session, whose usual longest interval is an hour.
pub const WATERMARK_JUMP_SECONDS: i64 = 3_600;
/// Frames that must confirm a jump of capture time.
pub const WATERMARK_CONFIRM_FRAMES: u8 = 8;
/// Link types of one input that the report lists.
pub const MAX_LISTED_LINK_TYPES: usize = 64;
/// Files that are kept open at once. Systems allow 256 and more; the others are opened for each read, as thousands of captures of
/// one call each need it.
pub const MAX_OPEN_FILES: usize = 128;
/// Inputs kept open while they wait for their turn; further files are opened again when it comes.
pub const MAX_WAITING_OPEN: usize = 64;
/// Bytes of an archive that are read at a time.
pub const ARCHIVE_BLOCK_BYTES: usize = 128 << 10;
/// Bytes that a stream is read ahead at a time: few enough to stay in a cache from thread to thread.
pub const AHEAD_BLOCK_BYTES: usize = 256 << 10;
/// Blocks that it is read ahead at most.
pub const AHEAD_BLOCKS: usize = 4;
/// The same for a pipe: what Linux keeps in one.
pub const PIPE_BLOCK_BYTES: usize = 64 << 10;
/// Blocks of a pipe that are read ahead at most.
pub const PIPE_BLOCKS: usize = 16;
/// A stream is read ahead from here on: a look at the beginning of each of many archives needs no thread.
pub const AHEAD_FROM_BYTES: usize = 128 << 10;
/// Times its size that an archive may unpack to. gzip and lz4 cannot do more; captures of media shrink to a hundredth at best.
pub const MAX_UNPACKED_RATIO: u64 = 2_048;
/// Bytes that any archive may unpack to.
pub const MIN_UNPACKED_BYTES: u64 = 1 << 30;
/// Logarithm of the largest window of zstd that is allowed: 128 MiB, what its own tool allows.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 27;
/// Memory that unpacking xz may take, in KiB; its highest preset needs 65 MiB.
pub const MAX_XZ_MEMORY_KIB: u32 = 128 << 10;
/// Bytes read at a time to find the first frame of an input.
pub const HEAD_WINDOW_BYTES: usize = 32 << 10;
/// Sources share the memory of a window between them down to this size.
pub const MIN_WINDOW_BYTES: usize = 32 << 10;
/// Seconds by which a file may overlap the one before it and still continue its source.
pub const MAX_ROTATION_OVERLAP_SECONDS: i64 = 1;
/// Frames by which a file may overlap the one before it and still continue its source; they are held in memory.
pub const MAX_ROTATION_OVERLAP_FRAMES: u64 = 65_536;
/// Seconds without a frame between a file and the one it continues from which on nobody may have been capturing: the files of
/// a rotated set follow each other at once, those of a collection do not.
pub const MAX_ROTATION_PAUSE_SECONDS: i64 = 5;
/// Sources that are looked at to find the one that a file continues.
pub const MAX_ROTATION_CANDIDATES: usize = 64;
/// Bytes of a SIP start line on a stream; a longer one is taken for something else. Request-URIs of a few KiB are seen.
pub const MAX_START_LINE_BYTES: usize = 16 << 10;
/// Parameters (and headers) of a URI that are compared with those of another; more would make hostile comparisons slow.
pub const MAX_COMPARED_PARAMETERS: usize = 64;
/// Messages of one call (an episode of a Call-ID) before it is judged and begun anew.
pub const MAX_MESSAGES_PER_CALL: usize = 32_768;
/// Live calls in one shard; the one that would end first is judged early, so a flood of single requests pushes out itself and not the
/// calls that stand. All shards together have half a million, which take about 2 GB if they are requests without an answer.
pub const MAX_LIVE_CALLS: usize = 16_384;
/// Call-IDs of finished calls that are remembered in one shard, so that what comes late is no new call.
pub const MAX_FINISHED_CALL_IDS: usize = 65_536;
/// 64*T1 (RFC 3261 17.1.1.2): after this much quiet, in seconds, a call with nothing open is over.
pub const QUIET_SECONDS: i64 = 32;
/// How long an INVITE may stay without a final response, in seconds. Timer C of proxies is over 180 (RFC 3261 16.6); phones ring for longer.
pub const PENDING_INVITE_SECONDS: i64 = 600;
/// How long a dialog without a session timer may be quiet, in seconds.
pub const IDLE_DIALOG_SECONDS: i64 = 4 * 3_600;
/// How long after its session's deadline a dialog is kept, in seconds: that nobody refreshed it shows when the BYE comes at last.
pub const DEADLINE_MARGIN_SECONDS: i64 = 3_600;
/// Longest session interval that a call is kept for, in seconds.
pub const LONGEST_INTERVAL_SECONDS: i64 = 24 * 3_600;
/// Dialogs of one call that are watched for its end.
pub const MAX_OPEN_DIALOGS: usize = 1_024;
/// Redirects and 422 answers that wait at once for a follow-up in another call.
pub const MAX_PENDING_LINKS: usize = 1 << 20;
/// Permanent redirects (client, From, old address) that are remembered, to see who still calls the old address.
pub const MAX_PERMANENT_REDIRECTS: usize = 1 << 20;
/// Requests to an old address that are listed of one client.
pub const MAX_OLD_ADDRESS_CALLS: usize = 64;
/// Names of unregistered methods that are counted by name.
pub const MAX_METHOD_NAMES: usize = 64;
/// Contacts of one 3xx that are kept.
pub const MAX_CONTACTS: usize = 256;
/// Values of a timer header that cannot be taken as it is which are kept, to be quoted.
pub const MAX_ODD_TIMER_VALUES: usize = 4;
/// Octets of each of them: a number of seconds with its parameters has fewer.
pub const MAX_ODD_TIMER_OCTETS: usize = 128;
/// Vias of one message that are told apart.
pub const MAX_VIAS: usize = 256;
/// Messages of one dialog that are listed in a report.
pub const MAX_LISTED_MESSAGES: usize = 4_096;
/// Refreshes of one dialog that a ladder can show: a day of refreshes every minute and a half, the shortest interval there is.
pub const MAX_LISTED_AGREEMENTS: usize = 1_024;
/// Bytes of all messages that are read again for a page: it must still open at once.
pub const MAX_QUOTED_BYTES: u64 = 16 << 20;
/// Bytes of one message that is read again. Few are larger, and nobody reads them on a page.
pub const MAX_QUOTED_MESSAGE_BYTES: u64 = 16 << 10;
/// Bytes of the name of an unregistered method that is counted by name.
pub const MAX_METHOD_NAME_BYTES: usize = 64;
/// Packets within packets that are put together from fragments.
pub const MAX_FRAGMENT_NESTING: usize = 4;
/// Redirects that are named as evidence that another came again.
pub const MAX_LISTED_REPEATS: usize = 8;
/// Elements (or, under a filter, elements and calls) of which it is counted how often they show one kind of oddity. More than that
/// make one kind of oddity in a flood with forged addresses, which shall not cost more than megabytes and some thousand findings.
pub const MAX_ODD_GROUPS: usize = 8_192;
/// How long after something was watched for a lost packet may show, in seconds: a fragment that did not come is given up by then.
pub const PACKET_LOSS_SECONDS: i64 = FRAGMENT_TIMEOUT_SECONDS + 4;
/// The same for streams, in which a loss shows when something comes behind it: keep-alives come at least every 15 minutes in practice.
pub const STREAM_LOSS_SECONDS: i64 = 900;
/// Losses that are remembered, to know what absence means; with more, nothing is concluded from it.
pub const MAX_LOSSES: usize = 1 << 18;
/// Losses between two hosts that are told apart; with more, nothing is concluded from what did not come between them.
pub const MAX_LOSSES_OF_PATH: usize = 1 << 12;
/// Transactions, answers or requests of one call that look alike and are told apart by going through them one by one.
pub const MAX_RIVALS: usize = 64;
/// Elements that one request passes where its Vias do not show them.
pub const MAX_HOPS_OF_REQUEST: usize = 256;
/// Addresses tried before in a chain of redirects that are listed with each redirect; the latest are kept.
pub const MAX_LISTED_TRIED: usize = 64;
/// Requests of other calls that are looked at for one redirect or 422, and the other way round: the nearest ones.
pub const MAX_LINK_CANDIDATES: usize = 16;
/// Client addresses of which it is remembered whether they were seen with more than one server.
pub const MAX_CLIENTS: usize = 1 << 20;
/// Elements that are remembered to ask for short session intervals; the earliest are kept.
pub const MAX_SHORT_INTERVAL_SOURCES: usize = 1 << 15;
/// Calls that ended when their sessions were about to expire which are remembered, to see which ended alike; the earliest are kept.
pub const MAX_ENDINGS: usize = 1 << 15;
/// Seconds after which an excerpt of a capture keeps a sign that the capture went on: often enough that capture time goes on
/// without a jump.
pub const EXCERPT_TICK_SECONDS: i64 = WATERMARK_JUMP_SECONDS / 4;
