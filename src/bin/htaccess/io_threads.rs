//! Reads input and writes output in separate threads. For a million rows, reading and writing take half as
//! long as the work between them.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

/// The size of a piece, in bytes: small enough to stay in the processor's cache.
const PIECE_BYTES: usize = 512 * 1024;
/// The maximum number of pieces that wait for the other thread.
const MAX_WAITING_PIECES: usize = 2;

/// Passes the bytes of `source` to `each` piece by piece, until `each` returns `Break`. Another thread reads
/// the next pieces while `each` works.
///
/// # Errors
///
/// Returns the first error of `source`.
pub(crate) fn read_ahead(
    mut source: impl Read + Send,
    mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<()> {
    thread::scope(|scope| {
        let (full, pieces) = mpsc::sync_channel(MAX_WAITING_PIECES);
        let (empty, used) = mpsc::channel();
        // One buffer more than pieces can wait, for the piece that `each` works on.
        for _ in 0..=MAX_WAITING_PIECES {
            let _ = empty.send(vec![0; PIECE_BYTES]);
        }
        // The thread ends when the loop below has ended and its ends of the channels are dropped.
        scope.spawn(move || {
            while let Ok(mut piece) = used.recv() {
                let read = read_piece(&mut source, &mut piece);
                let has_more = matches!(read, Ok(1..));
                let sent = full.send(read.map(|bytes| (piece, bytes)));
                if sent.is_err() || !has_more {
                    return;
                }
            }
        });
        for piece in pieces {
            let (piece, bytes) = piece?;
            if bytes == 0 || each(piece.get(..bytes).unwrap_or_default()).is_break() {
                return Ok(());
            }
            let _ = empty.send(piece);
        }
        Ok(())
    })
}

/// Reads from `source` once, and tries again if the call is interrupted. Returns the number of bytes, which
/// is 0 at the end.
pub(crate) fn read_piece(source: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(piece) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A writer that collects data into large pieces. The first full piece starts a thread, which writes the
/// pieces. Less data than one piece is written by `flush`, without a thread. Data that is not flushed is
/// lost.
pub(crate) struct WriteBehind<W> {
    /// `None` while the thread owns the writer.
    out: Option<W>,
    piece: Vec<u8>,
    thread: Option<Thread<W>>,
}

struct Thread<W> {
    pieces: SyncSender<Vec<u8>>,
    used: Receiver<Vec<u8>>,
    done: JoinHandle<(W, io::Result<()>)>,
}

impl<W: Write + Send + 'static> WriteBehind<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: Some(out),
            piece: Vec::new(),
            thread: None,
        }
    }

    /// Sends the current piece to the thread. The first call starts the thread.
    fn send_piece(&mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            self.thread = Some(Thread::start(out));
        }
        let Some(thread) = &self.thread else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let next = thread.used.try_recv().unwrap_or_default();
        let piece = std::mem::replace(&mut self.piece, next);
        match thread.pieces.send(piece) {
            Ok(()) => Ok(()),
            // The thread has ended because of an error, which `join` returns.
            Err(_) => self.join(),
        }
    }

    fn join(&mut self) -> io::Result<()> {
        let Some(Thread { pieces, done, .. }) = self.thread.take() else {
            return Ok(());
        };
        drop(pieces);
        let (out, result) = done
            .join()
            .map_err(|_| io::Error::other("the writing thread ended early"))?;
        self.out = Some(out);
        result
    }
}

impl<W: Write + Send + 'static> Write for WriteBehind<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(data);
        if self.piece.len() >= PIECE_BYTES {
            self.send_piece()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.thread.is_some() {
            self.send_piece()?;
            self.join()?;
        }
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        out.write_all(&self.piece)?;
        self.piece.clear();
        out.flush()
    }
}

impl<W: Write + Send + 'static> Thread<W> {
    fn start(mut out: W) -> Self {
        let (pieces, full) = mpsc::sync_channel::<Vec<u8>>(MAX_WAITING_PIECES);
        let (empty, used) = mpsc::channel();
        let done = thread::spawn(move || {
            for mut piece in full {
                if let Err(err) = out.write_all(&piece) {
                    return (out, Err(err));
                }
                piece.clear();
                let _ = empty.send(piece);
            }
            (out, Ok(()))
        });
        Self { pieces, used, done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader and writer that transfers at most 100,000 bytes at a time, and fails after `fails_after`
    /// bytes.
    struct Slow {
        bytes: Vec<u8>,
        fails_after: usize,
    }

    impl Read for Slow {
        fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
            let length = piece.len().min(100_000).min(self.fails_after);
            if length == 0 {
                return Err(io::Error::other("no more"));
            }
            self.fails_after -= length;
            self.bytes.resize(self.bytes.len() + length, b'a');
            piece[..length].fill(b'a');
            Ok(length)
        }
    }

    impl Write for Slow {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let length = data.len().min(100_000).min(self.fails_after);
            if length == 0 {
                return Err(io::Error::other("no more"));
            }
            self.fails_after -= length;
            self.bytes.extend_from_slice(&data[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn numbers() -> Vec<u8> {
        (0..2_000_000u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn reads_everything_in_order() {
        let expected = numbers();
        for length in [0, 1, PIECE_BYTES, expected.len()] {
            let mut read = Vec::new();
            let done = read_ahead(&expected[..length], |piece| {
                read.extend_from_slice(piece);
                ControlFlow::Continue(())
            });
            assert!(done.is_ok());
            assert!(read == expected[..length]);
        }
    }

    #[test]
    fn stops_on_break_and_on_errors() {
        let endless = io::repeat(b'a');
        let mut pieces = 0;
        let done = read_ahead(endless, |_| {
            pieces += 1;
            if pieces == 7 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(done.is_ok());
        assert_eq!(pieces, 7);
        let source = Slow {
            bytes: Vec::new(),
            fails_after: 1_000_000,
        };
        let mut bytes = 0;
        let done = read_ahead(source, |piece| {
            bytes += piece.len();
            ControlFlow::Continue(())
        });
        assert_eq!(done.unwrap_err().to_string(), "no more");
        assert_eq!(bytes, 1_000_000);
    }

    #[test]
    fn writes_everything_in_order() {
        let expected = numbers();
        for length in [0, 1, PIECE_BYTES, expected.len()] {
            let mut out = WriteBehind::new(Slow {
                bytes: Vec::new(),
                fails_after: usize::MAX,
            });
            for line in expected[..length].chunks(7900) {
                out.write_all(line).unwrap();
            }
            out.flush().unwrap();
            out.write_all(b"and more").unwrap();
            out.flush().unwrap();
            let written = out.out.unwrap().bytes;
            assert!(written == [&expected[..length], b"and more"].concat());
        }
    }

    #[test]
    fn returns_the_error_of_writing() {
        let expected = numbers();
        for fails_after in [0, 1_000_000] {
            let mut out = WriteBehind::new(Slow {
                bytes: Vec::new(),
                fails_after,
            });
            let mut lines = expected.chunks(7900);
            let done = lines.try_for_each(|line| out.write_all(line));
            let err = done.and_then(|()| out.flush()).unwrap_err();
            assert_eq!(err.to_string(), "no more");
        }
    }
}
