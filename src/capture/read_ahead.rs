//! Reads on while what was read is worked on: for streams that take their time, which are archives and pipes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use super::reader::{Stream, fill, fill_once};
use crate::limits::{AHEAD_BLOCK_BYTES, AHEAD_BLOCKS, AHEAD_FROM_BYTES, PIPE_BLOCK_BYTES, PIPE_BLOCKS};

/// A stream that is read by a thread of its own, once it has turned out to be longer than most.
pub(super) struct ReadAhead {
    state: State,
    /// Whether what is there is handed on before a block is full.
    at_once: bool,
}

enum State {
    /// Still read by whoever asks, and how much was.
    Near(Stream, usize),
    Ahead(Blocks),
}

/// What comes from the thread.
struct Blocks {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    /// How much of the block has been given.
    given: usize,
    /// Whether no more blocks come, and why, if something went wrong.
    ended: bool,
    failure: Option<io::Error>,
}

impl ReadAhead {
    /// A stream that has not been read.
    pub(super) fn new(stream: Stream) -> Self {
        Self { state: State::Near(stream, 0), at_once: false }
    }

    /// The same for one that somebody writes while it is read.
    pub(super) fn of_pipe(stream: Stream) -> Self {
        Self { state: State::Near(stream, 0), at_once: true }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::Near(_, AHEAD_FROM_BYTES..) = self.state {
            self.state = match std::mem::replace(&mut self.state, State::Near(Box::new(io::empty()), 0)) {
                State::Near(stream, _) => start(stream, self.at_once),
                ahead @ State::Ahead(_) => ahead,
            };
        }
        match &mut self.state {
            State::Near(stream, count) => {
                let read = stream.read(buffer)?;
                *count = count.saturating_add(read);
                Ok(read)
            }
            State::Ahead(blocks) => blocks.read(buffer),
        }
    }
}

impl Read for Blocks {
    /// Gives what is there; waits only if there is nothing.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled: usize = 0;
        loop {
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            let count = self.block.get(self.given..).unwrap_or_default().read(rest)?;
            self.given = self.given.saturating_add(count);
            filled = filled.saturating_add(count);
            if filled >= buffer.len() {
                return Ok(filled);
            }
            if self.ended {
                return if filled > 0 { Ok(filled) } else { self.failure.take().map_or(Ok(0), Err) };
            }
            let next = match self.full.try_recv() {
                Ok(next) => Some(next),
                Err(_) if filled > 0 => return Ok(filled),
                Err(_) => self.full.recv().ok(),
            };
            // A thread that has ended needs no more blocks, and gives none.
            let _ = self.empty.send(std::mem::take(&mut self.block));
            self.given = 0;
            match next {
                Some(Ok(block)) => self.block = block,
                Some(Err(failure)) => (self.ended, self.failure) = (true, Some(failure)),
                None => self.ended = true,
            }
        }
    }
}

/// Starts the thread; without one to be had, the stream is read as before.
fn start(stream: Stream, at_once: bool) -> State {
    let stream = Arc::new(Mutex::new(Some(stream)));
    let (full, blocks) = sync_channel(if at_once { PIPE_BLOCKS } else { AHEAD_BLOCKS });
    let (empty, spent) = channel();
    let own = Arc::clone(&stream);
    let take = |stream: &Mutex<Option<Stream>>| stream.lock().unwrap_or_else(PoisonError::into_inner).take();
    let started = Builder::new().name("reads ahead".to_owned()).spawn(move || {
        if let Some(stream) = take(&own) {
            read_on(stream, at_once, &full, &spent);
        }
    });
    match started {
        Ok(_) => State::Ahead(Blocks { full: blocks, empty, block: Vec::new(), given: 0, ended: false, failure: None }),
        Err(_) => State::Near(take(&stream).unwrap_or_else(|| Box::new(io::empty())), 0),
    }
}

/// Reads until the stream ends or fails, or nobody wants more.
fn read_on(mut stream: Stream, at_once: bool, full: &SyncSender<io::Result<Vec<u8>>>, spent: &Receiver<Vec<u8>>) {
    let size = if at_once { PIPE_BLOCK_BYTES } else { AHEAD_BLOCK_BYTES };
    loop {
        let mut block = spent.try_recv().unwrap_or_default();
        block.resize(size, 0);
        let (count, failure) = if at_once { fill_once(&mut stream, &mut block) } else { fill(&mut stream, &mut block) };
        let ended = count == 0 || (count < size && !at_once);
        block.truncate(count);
        if full.send(Ok(block)).is_err() {
            return;
        }
        if let Some(error) = failure {
            let _ = full.send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    fn numbers(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect()
    }

    #[test]
    fn all_comes_in_order_whatever_the_length() {
        for length in
            [0, 1, AHEAD_FROM_BYTES, AHEAD_FROM_BYTES + 1, AHEAD_FROM_BYTES + 9 * AHEAD_BLOCK_BYTES, 5_000_003]
        {
            let bytes = numbers(length);
            for open in [ReadAhead::new, ReadAhead::of_pipe] {
                let mut read = Vec::new();
                open(Box::new(io::Cursor::new(bytes.clone()))).read_to_end(&mut read).unwrap();
                assert!(read == bytes, "{length} bytes");
            }
        }
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before_it() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::InvalidData.into())
            }
        }
        for length in [10, AHEAD_FROM_BYTES + 10, AHEAD_FROM_BYTES + AHEAD_BLOCK_BYTES] {
            let bytes = numbers(length);
            let mut stream = ReadAhead::new(Box::new(io::Cursor::new(bytes.clone()).chain(Failing)));
            let mut read = vec![0; length];
            stream.read_exact(&mut read).unwrap();
            assert!(read == bytes);
            assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_stream_that_nobody_reads_on_ends_its_thread() {
        struct Watched(#[expect(dead_code, reason = "counted")] Arc<()>);
        impl Read for Watched {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len())
            }
        }
        let alive = Arc::new(());
        let mut stream = ReadAhead::new(Box::new(Watched(Arc::clone(&alive))));
        stream.read_exact(&mut vec![0; AHEAD_FROM_BYTES + 1]).unwrap();
        drop(stream);
        while Arc::strong_count(&alive) > 1 {
            std::thread::yield_now();
        }
    }
}
