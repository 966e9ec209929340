//! What is asked for. Pure: bytes go in.

use super::response::Status;

/// A request's head may be so long. Probes need a few hundred bytes.
pub(super) const MAX_HEAD: usize = 4096;
const MAX_HEADERS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Live,
    Ready,
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: Path,
    /// Only the head of the answer is wanted.
    pub(super) head_only: bool,
}

/// `None`: there is more to come. `Err`: what to answer to this.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Request>, Status> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Status::TooLarge);
        }
        Err(_) => return Err(Status::BadRequest),
    }
    let head_only = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Status::MethodNotAllowed),
    };
    let target = request.path.unwrap_or_default();
    let path = match target.split('?').next().unwrap_or_default() {
        "/livez" => Path::Live,
        "/readyz" => Path::Ready,
        "/metrics" => Path::Metrics,
        _ => return Err(Status::NotFound),
    };
    Ok(Some(Request { path, head_only }))
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_probes_send_is_understood() {
        let kubernetes =
            b"GET /livez HTTP/1.1\r\nHost: 10.0.0.1:9000\r\nUser-Agent: kube-probe/1.30\r\n\
            Accept: */*\r\nConnection: close\r\n\r\n";
        let live = Request { path: Path::Live, head_only: false };
        assert_eq!(parse(kubernetes), Ok(Some(live)));
        let head = b"HEAD /readyz?verbose HTTP/1.0\r\n\r\n";
        let ready = Request { path: Path::Ready, head_only: true };
        assert_eq!(parse(head), Ok(Some(ready)));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(parse(b"POST /livez HTTP/1.1\r\n\r\n"), Err(Status::MethodNotAllowed));
        assert_eq!(parse(b"GET /else HTTP/1.1\r\n\r\n"), Err(Status::NotFound));
        assert_eq!(parse(b"\x16\x03\x01\x02\x00\x01"), Err(Status::BadRequest));
        assert_eq!(parse(b"GET /livez"), Ok(None));
        let long = [b"GET /livez HTTP/1.1\r\nA: ".as_slice(), &[b'a'; MAX_HEAD]].concat();
        assert_eq!(parse(&long[..MAX_HEAD]), Err(Status::TooLarge));
        let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(parse(many.as_bytes()), Err(Status::TooLarge));
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..MAX_HEAD)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_request_that_comes_in_pieces_is_waited_for(end in 0..40usize) {
            let request = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
            let end = end.min(request.len() - 1);
            prop_assert_eq!(parse(&request[..end]), Ok(None));
        }
    }
}
