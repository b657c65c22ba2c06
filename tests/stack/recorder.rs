//! A proxy between a program and the local cloud. It forwards everything and records the calls.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A call to S3 with a path-style address, or to a service whose requests contain the operation in a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) bucket: String,
    /// The path after the bucket, encoded as in the request. Empty for the bucket itself.
    pub(crate) key: String,
    pub(crate) query: String,
    /// The operation of a service other than S3, such as `AmazonSQS.ReceiveMessage`. Empty for S3.
    pub(crate) operation: String,
    pub(crate) status: u16,
}

/// A recorder that listens until the end of the test process.
pub(crate) struct Recorder {
    pub(crate) port: u16,
    upstream: Arc<Mutex<Option<u16>>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Self {
            port: listener.local_addr().unwrap().port(),
            upstream: Arc::default(),
            calls: Arc::default(),
        };
        let (upstream, calls) = (recorder.upstream.clone(), recorder.calls.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let port = upstream.lock().unwrap().unwrap();
                let calls = calls.clone();
                thread::spawn(move || relay(&client, port, &calls));
            }
        });
        recorder
    }

    /// Returns the endpoint URL for the program.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sets the port of the local cloud, to which the recorder forwards requests.
    pub(crate) fn pass_on_to(&self, port: u16) {
        *self.upstream.lock().unwrap() = Some(port);
    }

    /// Returns all calls since the last [`Recorder::take`].
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Removes and returns all calls since the last [`Recorder::take`].
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

/// Forwards one connection in both directions. The server answers the requests of a connection in
/// order, so an answer always belongs to the oldest open request.
fn relay(client: &TcpStream, port: u16, calls: &Mutex<Vec<Call>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
        return;
    };
    let open: Mutex<VecDeque<Call>> = Mutex::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            copy_lines(client, &server, |line| {
                let mut open = open.lock().unwrap();
                if let (Some(operation), Some(call)) = (operation(line), open.back_mut()) {
                    operation.clone_into(&mut call.operation);
                }
                open.extend(request(line));
            });
        });
        scope.spawn(|| {
            copy_lines(&server, client, |line| {
                if let Some(status) = status(line)
                    && let Some(call) = open.lock().unwrap().pop_front()
                {
                    calls.lock().unwrap().push(Call { status, ..call });
                }
            });
        });
    });
}

/// Forwards bytes, and calls `seen` with each line before the line's end is forwarded.
fn copy_lines(mut from: &TcpStream, mut to: &TcpStream, mut seen: impl FnMut(&str)) {
    let (mut buffer, mut line) = ([0; 16 * 1024], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        for &byte in &buffer[..count] {
            if byte == b'\n' {
                seen(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            } else {
                line.push(byte);
            }
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Parses a request line. The line can start with the end of the previous request's body, if this
/// body has no line end.
fn request(line: &str) -> Option<Call> {
    let (line, target) = line.strip_suffix(" HTTP/1.1")?.rsplit_once(' ')?;
    let methods = ["GET", "HEAD", "PUT", "POST", "DELETE"];
    let method = methods.into_iter().find(|method| line.ends_with(method))?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix('/')?;
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    Some(Call {
        method: method.to_owned(),
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        query: query.to_owned(),
        operation: String::new(),
        status: 0,
    })
}

/// Returns the value of the header that contains the operation.
fn operation(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    let is_target = name.eq_ignore_ascii_case("x-amz-target");
    is_target.then_some(value.trim())
}

/// Returns the status in a status line. `100 Continue` is not the final answer, so it returns `None`.
fn status(line: &str) -> Option<u16> {
    let (_, rest) = line.rsplit_once("HTTP/1.1 ")?;
    let status = rest.get(..3)?.parse().ok()?;
    (status >= 200).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_distinguished_from_lines_of_bodies() {
        let call = request("</html>PUT /sites/a/.htaccess?partNumber=1 HTTP/1.1").unwrap();
        assert_eq!(
            (
                call.method.as_str(),
                call.bucket.as_str(),
                call.key.as_str(),
                call.query.as_str()
            ),
            ("PUT", "sites", "a/.htaccess", "partNumber=1")
        );
        assert_eq!(request("Require ip 192.0.2.1"), None);
        assert_eq!(status("</Error>HTTP/1.1 404 Not Found"), Some(404));
        assert_eq!(status("HTTP/1.1 100 Continue"), None);
        assert_eq!(status("server: h11"), None);
        let target = "X-Amz-Target: AmazonSQS.ReceiveMessage";
        assert_eq!(operation(target), Some("AmazonSQS.ReceiveMessage"));
        assert_eq!(operation("Host: 127.0.0.1:4566"), None);
    }
}
