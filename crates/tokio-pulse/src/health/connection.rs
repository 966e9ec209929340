//! One connection, one request, one answer, within a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::request::{MAX_HEAD, Request, parse};
use super::response::{Response, Status};

/// From the first byte to the last.
const TIME: Duration = Duration::from_secs(2);

/// After an answer, for what the client still sends: closing with unread bytes would reset the
/// connection, and the answer might be lost with it.
const DRAIN: Duration = Duration::from_millis(500);
const MAX_DRAINED: usize = 64 * 1024;

/// The errors are those of a client that goes away, or does not take its answer.
pub(super) fn serve(
    mut stream: TcpStream,
    answer: impl FnOnce(Request) -> Response,
) -> io::Result<()> {
    let deadline = Instant::now() + TIME;
    let (response, head_only) = match read(&mut stream, deadline)? {
        Ok(request) => (answer(request), request.head_only),
        Err(status) => (Response::plain(status), false),
    };
    // What is answered to a client that came in time is sent in time, too.
    write(&mut stream, &response.bytes(head_only), Instant::now() + TIME)?;
    stream.shutdown(Shutdown::Write)?;
    drain(&mut stream, Instant::now() + DRAIN)
}

fn read(stream: &mut TcpStream, deadline: Instant) -> io::Result<Result<Request, Status>> {
    let mut head = [0; MAX_HEAD];
    let mut length = 0;
    loop {
        match receive(stream, &mut head[length..], deadline) {
            // Gone, before it has said what it wants.
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => length += read,
            Err(error) if is_timeout(&error) => return Ok(Err(Status::Timeout)),
            Err(error) => return Err(error),
        }
        match parse(&head[..length]) {
            Ok(None) => {}
            Ok(Some(request)) => return Ok(Ok(request)),
            Err(status) => return Ok(Err(status)),
        }
    }
}

fn write(stream: &mut TcpStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn drain(stream: &mut TcpStream, deadline: Instant) -> io::Result<()> {
    let mut bytes = [0; 1024];
    let mut drained = 0;
    while drained < MAX_DRAINED {
        match receive(stream, &mut bytes, deadline)? {
            0 => break,
            read => drained += read,
        }
    }
    Ok(())
}

fn receive(stream: &mut TcpStream, bytes: &mut [u8], deadline: Instant) -> io::Result<usize> {
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // A timeout of nothing would be none.
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Systems differ in what they call it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
