//! HTTP/1.1 for the servers of the tests: reads requests, and writes the responses of the simulated S3 and
//! EventBridge Scheduler. A fault can damage a response.
//!
//! The simulated Runtime API (`tests/it/function/process.rs`) reads its requests here too.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

/// The fault of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// An error response, without effect.
    Status(u16, &'static str),
    /// The connection closes without a response, before the request takes effect.
    ClosedBefore,
    /// The connection closes without a response, after the request has taken effect.
    ClosedAfter,
    /// The body of the response ends early.
    Truncated,
    /// One byte in the body of the response is changed.
    Corrupted,
    /// There is no response for this time, and no effect.
    Silent(Duration),
    /// The effect and the response come only when the test calls `Server::release`.
    Held,
}

pub(crate) struct Request {
    pub(crate) method: String,
    /// `bucket/key`, decoded.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(super) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Reads the next request of a connection. Returns `None` at the end of the connection.
pub(crate) fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.trim_start().to_owned())
            }
            None => break,
        };
    }
    let bytes = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = percent_encoding::percent_decode_str(path.trim_start_matches('/'));
    Some(Request {
        method,
        path: path.decode_utf8().unwrap().into_owned(),
        query: query.to_owned(),
        headers,
        body,
    })
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        );
        Self {
            body: body.into_bytes(),
            ..Self::new(status)
        }
    }

    pub(super) fn schedule_error(status: u16, code: &str) -> Self {
        Self {
            body: json!({"Message": code}).to_string().into_bytes(),
            ..Self::new(status).with("x-amzn-ErrorType", code)
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the response. Returns whether the connection can be used again.
    pub(super) fn send(mut self, mut stream: &TcpStream, method: &str, fault: Fault) -> bool {
        let mut head = format!(
            "HTTP/1.1 {} X\r\nContent-Length: {}\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        if method == "HEAD" {
            self.body.clear();
        }
        match fault {
            Fault::Truncated => self.body.truncate(self.body.len() / 2),
            Fault::Corrupted => {
                if let Some(last) = self.body.last_mut() {
                    *last ^= 1;
                }
            }
            _ => {}
        }
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&self.body));
        sent.is_ok() && fault != Fault::Truncated
    }
}
