use std::fs;
use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::capture::testing::{Pcap, Pcapng};
use crate::capture::{Found, Watermark};
use crate::time::NANOS_PER_SECOND;

/// A frame in the global order: watermark, rank, number, then input, source and payload.
type Place5 = (Timestamp, u32, u64, u32, u32, Vec<u8>);

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_000_000 + seconds, 0)
}

/// A pcap file with a frame at each of these milliseconds.
fn pcap(milliseconds: &[i64]) -> Vec<u8> {
    (0_u8..)
        .zip(milliseconds)
        .fold(Pcap::new(1), |file, (index, millis)| {
            let time = seconds(0).plus(millis * 1_000_000);
            file.record(time, 0, &vec![index; usize::from(index % 7)])
        })
        .bytes()
}

fn streams(files: &[Vec<u8>]) -> Vec<(PathBuf, Stream)> {
    let stream = |file: &Vec<u8>| Box::new(Cursor::new(file.clone())) as Stream;
    files.iter().enumerate().map(|(index, file)| (format!("ring{index}").into(), stream(file))).collect()
}

fn options(window_size: usize, windows_per_batch: usize, sources: SourcePolicy) -> CaptureOptions {
    CaptureOptions { window_size, windows_per_batch, sources }
}

/// All frames as the batches give them, each batch sorted; the windows of a source are in order before that.
fn run(mut feeder: Feeder) -> (Vec<Place5>, Vec<InputInfo>) {
    let (mut all, mut recycled): (Vec<Place5>, _) = (Vec::new(), Vec::new());
    let mut reached = std::collections::HashMap::new();
    while let Some(batch) = feeder.next_batch(&mut recycled) {
        assert!(!batch.windows.is_empty());
        let mut frames: Vec<Place5> = Vec::new();
        for window in batch.windows {
            for frame in window.frames() {
                let key = (frame.watermark, window.rank, frame.number);
                assert!(reached.insert(window.source, key).is_none_or(|before| before < key), "a source goes back");
                frames.push((key.0, key.1, key.2, window.input, window.source, frame.bytes.to_vec()));
            }
            assert!(window.frame_count > 0);
            recycled.push(window.into_buffer());
        }
        frames.sort();
        all.extend(frames);
    }
    (all, feeder.finish())
}

fn run_streams(files: &[Vec<u8>], options: &CaptureOptions) -> (Vec<Place5>, Vec<InputInfo>) {
    run(Feeder::from_streams(streams(files), options))
}

/// The source of each input.
fn sources(places: &[Place5], inputs: u32) -> Vec<Option<u32>> {
    (0..inputs).map(|input| places.iter().find(|place| place.3 == input).map(|place| place.4)).collect()
}

#[test]
fn the_feeder_can_move_to_its_thread() {
    fn is_send<T: Send>() {}
    is_send::<Feeder>();
    is_send::<Batch>();
}

#[test]
fn one_source_comes_in_batches_of_the_size_asked_for() {
    let file = padded(&(0..50).collect::<Vec<_>>());
    let mut feeder = Feeder::from_streams(streams(&[file]), &options(1, 4, SourcePolicy::Auto));
    let sizes: Vec<usize> =
        std::iter::from_fn(|| feeder.next_batch(&mut Vec::new())).map(|batch| batch.windows.len()).collect();
    assert_eq!(sizes, [vec![4; 12], vec![3]].concat());
    assert!(feeder.finish()[0].complete);
}

#[test]
fn files_that_follow_each_other_share_a_source() {
    let overlapping = [
        // The second file of the set begins before the first ends, but by no more than a second.
        pcap(&[0, 1_000, 2_500]),
        pcap(&[2_000, 3_000]),
        // This one runs beside all of it.
        pcap(&[500, 1_500, 9_000]),
        pcap(&[60_000, 61_000]),
    ];
    let (places, _) = run_streams(&overlapping, &options(1, 1, SourcePolicy::Auto));
    let by_input = sources(&places, 4);
    assert_eq!((by_input[0], by_input[2]), (Some(0), Some(1)));
    let (separate, _) = run_streams(&overlapping, &options(1, 1, SourcePolicy::Separate));
    assert_eq!(sources(&separate, 4).iter().flatten().collect::<std::collections::HashSet<_>>().len(), 4);
    let (joined, _) = run_streams(&overlapping, &options(1, 1, SourcePolicy::Joined));
    assert_eq!(sources(&joined, 4), [Some(0); 4]);
}

#[test]
fn a_set_is_told_from_another_by_the_start_of_its_names() {
    let files = [pcap(&[0, 1_000]), pcap(&[0, 1_000]), pcap(&[1_001, 2_000]), pcap(&[1_001, 2_000])];
    let names = ["eth0_01", "eth1_01", "eth1_02", "eth0_02"];
    let named = names.iter().map(PathBuf::from).zip(streams(&files)).map(|(name, (_, stream))| (name, stream));
    let (places, _) = run(Feeder::from_streams(named.collect(), &options(1, 1, SourcePolicy::Auto)));
    let by_input = sources(&places, 4);
    assert_eq!((by_input[0], by_input[1]), (by_input[3], by_input[2]));
    assert_ne!(by_input[0], by_input[1]);
}

#[test]
fn short_captures_of_the_same_moment_are_two_sources() {
    let (places, _) = run_streams(&[pcap(&[0, 10, 20]), pcap(&[1, 11, 21])], &CaptureOptions::default());
    assert_eq!(sources(&places, 2), [Some(0), Some(1)]);
}

#[test]
fn another_link_type_begins_a_source() {
    let other = Pcap::new(101).record(seconds(10), 0, b"x").bytes();
    let (places, _) = run_streams(&[pcap(&[0]), other, pcap(&[20_000])], &CaptureOptions::default());
    assert_eq!(sources(&places, 3), [Some(0), Some(1), Some(0)]);
}

#[test]
fn files_without_times_come_one_after_the_other() {
    let untimed =
        |byte: u8| (0..30).fold(Pcapng::new(false).interface(1, 0, &[]), |file, _| file.simple(1, &[byte])).bytes();
    for sources in [SourcePolicy::Auto, SourcePolicy::Separate, SourcePolicy::Joined] {
        let (places, _) = run_streams(&[untimed(1), untimed(2)], &options(1, 2, sources));
        let bytes: Vec<u8> = places.iter().map(|place| place.5[0]).collect();
        assert_eq!(bytes, [[1; 30], [2; 30]].concat());
    }
}

#[test]
fn folders_give_captures_and_list_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("ring")).unwrap();
    fs::create_dir_all(at("none")).unwrap();
    fs::write(at("ring/b.pcap"), pcap(&[0, 1])).unwrap();
    fs::write(at("ring/a.pcap"), pcap(&[5_000])).unwrap();
    fs::write(at("ring/notes.txt"), "notes").unwrap();
    fs::write(at("ring/empty.pcap"), "").unwrap();
    fs::write(at("none/notes.txt"), "notes").unwrap();
    let open = |names: &[&str]| {
        Feeder::open(&names.iter().map(|name| at(name)).collect::<Vec<_>>(), &CaptureOptions::default())
    };
    let (places, infos) =
        run(open(&["ring", "none/notes.txt", "missing", "ring/b.pcap"]).map_err(|error| error.to_string()).unwrap());
    let names: Vec<_> = infos.iter().map(|info| info.path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["a.pcap", "b.pcap", "empty.pcap", "notes.txt", "notes.txt", "missing", "b.pcap"]);
    let fatal: Vec<_> = infos.iter().map(|info| info.problem.as_ref().map(Problem::is_fatal)).collect();
    assert_eq!(fatal, [None, None, Some(false), Some(false), Some(true), Some(true), None]);
    assert_eq!(infos[2].problem, Some(Problem::NotACapture { found: Found::Empty, from_folder: true }));
    assert_eq!(infos.iter().map(|info| info.frames).collect::<Vec<_>>(), [1, 2, 0, 0, 0, 0, 2]);
    assert_eq!(infos[0].size_bytes, Some(40));
    // By the time of the first frame: both readings of b, then a.
    assert_eq!(places.iter().map(|place| (place.1, place.3)).max(), Some((2, 0)));
    assert!(matches!(open(&["ring", "none"]), Err(Error::NoCaptureInFolder { path }) if path.ends_with("none")));
}

#[test]
fn more_files_than_are_kept_open_give_the_same() {
    let root = tempfile::tempdir().unwrap();
    let count = i64::try_from(MAX_WAITING_OPEN).unwrap() + 20;
    for index in 0..count {
        let file = pcap(&[index * 2_000, index * 2_000 + 2_200]);
        fs::write(root.path().join(format!("ring_{index:05}.pcap")), file).unwrap();
    }
    let feeder = Feeder::open(&[root.path().to_path_buf()], &CaptureOptions::default());
    let (places, infos) = run(feeder.map_err(|error| error.to_string()).unwrap());
    assert_eq!(places.len(), usize::try_from(2 * count).unwrap());
    assert!(places.iter().all(|place| place.4 == 0));
    assert!(infos.iter().all(|info| info.complete && info.frames == 2));
}

#[test]
fn finishing_early_tells_what_was_read() {
    let file = pcap(&(0..200).collect::<Vec<_>>());
    let long = [file.clone(), file[24..].repeat(40)].concat();
    let mut feeder = Feeder::from_streams(streams(&[long]), &options(1_024, 1, SourcePolicy::Auto));
    assert!(feeder.next_batch(&mut Vec::new()).is_some());
    let info = &feeder.finish()[0];
    assert!(info.frames > 0 && !info.complete && info.problem.is_none());
}

/// Times of a file: mostly forward, with repeats, steps back and jumps. Enough of them to pass the window of the head.
fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![6 => 0_i64..400, 2 => Just(0), 2 => -2_000_i64..0, 1 => 3_000_000_i64..9_000_000];
    (0_i64..5_000, prop::collection::vec(step, 0..60)).prop_map(|(start, steps)| {
        let mut now = start;
        let step = |step: i64| {
            now = (now + step).max(0);
            now
        };
        steps.into_iter().map(step).collect()
    })
}

/// Grows a file beyond the head window by a frame that is too large for it, so that windows of any size follow.
fn padded(milliseconds: &[i64]) -> Vec<u8> {
    let mut file = pcap(milliseconds);
    if let Some(first) = milliseconds.first() {
        let large = Pcap::new(1).record(seconds(0).plus(first * 1_000_000), 0, &vec![0xee; 40_000]).bytes();
        file.splice(24..24, large[24..].iter().copied());
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_is_a_plain_sort_for_any_window_and_batch_size(
        files in prop::collection::vec(times(), 1..5),
        window_size in prop_oneof![Just(1_usize), 2_usize..400, Just(1 << 20)],
        windows_per_batch in 1_usize..6,
    ) {
        let captures: Vec<Vec<u8>> = files.iter().map(|times| padded(times)).collect();
        let (places, infos) = run_streams(&captures, &options(window_size, windows_per_batch, SourcePolicy::Separate));

        let mut by_first: Vec<usize> = (0..files.len()).filter(|&input| !files[input].is_empty()).collect();
        by_first.sort_by_key(|&input| files[input][0]);
        let mut expected = Vec::new();
        for (rank, &input) in (0_u32..).zip(&by_first) {
            let number = |input: usize| u32::try_from(input).unwrap();
            let mut watermark = Watermark::new();
            for frame in Feeder::from_streams(streams(&captures[input..=input]), &CaptureOptions::default())
                .next_batch(&mut Vec::new())
                .iter()
                .flat_map(|batch| &batch.windows)
                .flat_map(Window::frames)
            {
                expected.push((watermark.advance(frame.time), rank, frame.number, number(input)));
            }
        }
        expected.sort_unstable();
        let given: Vec<_> = places.iter().map(|place| (place.0, place.1, place.2, place.3)).collect();
        prop_assert_eq!(given, expected);
        for (info, times) in infos.iter().zip(&files) {
            prop_assert_eq!(info.frames, if times.is_empty() { 0 } else { times.len() as u64 + 1 });
            prop_assert!(info.complete);
        }
    }

    #[test]
    fn sources_and_order_do_not_depend_on_window_and_batch_size(
        files in prop::collection::vec(times(), 1..6),
        window_size in prop_oneof![Just(1_usize), 2_usize..400],
        windows_per_batch in 1_usize..6,
        policy in prop_oneof![Just(SourcePolicy::Auto), Just(SourcePolicy::Joined)],
    ) {
        let captures: Vec<Vec<u8>> = files.iter().map(|times| padded(times)).collect();
        let (small, small_infos) = run_streams(&captures, &options(window_size, windows_per_batch, policy));
        let (large, large_infos) = run_streams(&captures, &options(1 << 20, 8, policy));
        prop_assert!(small.is_sorted());
        prop_assert_eq!(small, large);
        prop_assert_eq!(small_infos, large_infos);
    }
}

#[test]
fn the_jump_to_the_next_file_of_a_set_is_believed_at_once() {
    let late = 20 * 3_600 * 1_000;
    let (places, _) = run_streams(&[pcap(&[0]), pcap(&[late])], &CaptureOptions::default());
    assert_eq!(places[1].0.since(places[0].0), 20 * 3_600 * NANOS_PER_SECOND);
    assert_eq!(places[1].4, 0);
}
