//! The parts of HTTP/1.1 that the Runtime API and S3 need, on blocking keep-alive connections.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// A completely read request.
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path without the query.
    pub(crate) path: String,
    /// The query without the `?`. Empty if there is none.
    pub(crate) query: String,
    /// The headers, with names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The time when the head of the request was read.
    pub(crate) arrived: Instant,
}

impl Request {
    /// Returns the value of a header. The name must be in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns all headers whose names start with this prefix.
    pub(crate) fn headers_from(&self, prefix: &str) -> Vec<(String, String)> {
        let wanted = |(name, _): &&(String, String)| name.starts_with(prefix);
        self.headers.iter().filter(wanted).cloned().collect()
    }
}

/// A response. The response to a HEAD request contains the length of the body, but not the body.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Arc<[u8]>,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl Into<Arc<[u8]>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

/// Answers the requests of one connection until the client closes it, or `answer` returns `None`.
pub(crate) fn serve(
    stream: impl Read + Write,
    mut answer: impl FnMut(Request) -> Option<Response>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        let is_head = request.method == "HEAD";
        let Some(response) = answer(request) else {
            return Ok(());
        };
        write_response(stream.get_mut(), &response, is_head)?;
    }
    Ok(())
}

fn read_request<S: Read + Write>(stream: &mut BufReader<S>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        path,
        query,
        headers,
        body: Vec::new(),
        arrived: Instant::now(),
    };
    if request.header("expect").is_some() {
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.get_mut().flush()?;
    }
    request.body = read_body(stream, &request)?;
    Ok(Some(request))
}

fn read_body(stream: &mut impl BufRead, request: &Request) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if request.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            stream.take(size).read_to_end(&mut body)?;
            stream.read_line(&mut line)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length = request.header("content-length").unwrap_or("0");
    let length = length.parse().map_err(io::Error::other)?;
    stream.take(length).read_to_end(&mut body)?;
    Ok(body)
}

fn write_response(stream: &mut impl Write, response: &Response, is_head: bool) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Answer\r\n", response.status).into_bytes();
    for (name, value) in &response.headers {
        write!(bytes, "{name}: {value}\r\n")?;
    }
    // Responses with these statuses have no body and no `content-length`.
    if !matches!(response.status, 204 | 304) {
        write!(bytes, "content-length: {}\r\n", response.body.len())?;
    }
    bytes.extend_from_slice(b"\r\n");
    if !is_head {
        bytes.extend_from_slice(&response.body);
    }
    stream.write_all(&bytes)?;
    stream.flush()
}
