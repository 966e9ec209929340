//! What is answered.

/// The statuses that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    Timeout,
    TooLarge,
    Failed,
    Unavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::Timeout => "408 Request Timeout",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Failed => "500 Internal Server Error",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

#[derive(Debug)]
pub(super) struct Response {
    status: Status,
    content_type: &'static str,
    body: String,
}

impl Response {
    pub(super) fn json(status: Status, body: String) -> Self {
        Self { status, content_type: "application/json", body }
    }

    /// In the format of Prometheus.
    pub(super) fn metrics(body: String) -> Self {
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        Self { status: Status::Ok, content_type, body }
    }

    pub(super) fn plain(status: Status) -> Self {
        let body = format!("{}\n", status.line());
        Self { status, content_type: "text/plain; charset=utf-8", body }
    }

    pub(super) fn bytes(&self, head_only: bool) -> Vec<u8> {
        let Self { status, content_type, body } = self;
        let allow = if *status == Status::MethodNotAllowed { "Allow: GET, HEAD\r\n" } else { "" };
        let mut text = format!(
            "HTTP/1.1 {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n",
            status.line(),
            body.len(),
        );
        if !head_only {
            text.push_str(body);
        }
        text.into_bytes()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_would_be() {
        let response = Response::json(Status::Ok, "{}".to_owned());
        let full = String::from_utf8(response.bytes(false)).unwrap();
        let head = String::from_utf8(response.bytes(true)).unwrap();
        assert_eq!(full, format!("{head}{{}}"));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"));
        assert!(head.contains("\r\nContent-Length: 2\r\n"));
    }
}
