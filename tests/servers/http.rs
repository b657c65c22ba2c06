//! A minimal HTTP/1.1 client for the probes: one keep-alive connection to this machine, and `GET`.
//! It sends thousands of requests per second and has no dependencies.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The time limit for each connection attempt and each read.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The client's address as the server saw it, from the response header `X-Seen`.
    pub(crate) seen: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A connection that is opened again after the server has closed it.
pub(crate) struct Connection {
    server: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    /// Returns a connection to a port of this machine. The first request opens it.
    pub(crate) fn to(port: u16) -> Self {
        Self {
            server: (Ipv4Addr::LOCALHOST, port).into(),
            stream: None,
        }
    }

    /// Requests a path as the client with this address. The servers take the address from
    /// `X-Client`. Caddy has no setting for the header and takes it from `X-Forwarded-For`.
    pub(crate) fn get(&mut self, path: &str, client: &str) -> io::Result<Response> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Client: {client}\r\n\
             X-Forwarded-For: {client}\r\n\r\n"
        );
        let was_open = self.stream.is_some();
        match self.exchange(&request) {
            // The server may have closed the idle connection. A new connection must work.
            Err(_) if was_open => {
                self.stream = None;
                self.exchange(&request)
            }
            result => result,
        }
    }

    fn exchange(&mut self, request: &str) -> io::Result<Response> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.server)?,
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let (response, stays_open) = read_response(&mut stream)?;
        self.stream = stays_open.then_some(stream);
        Ok(response)
    }
}

fn connect(server: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

fn read_response(stream: &mut BufReader<TcpStream>) -> io::Result<(Response, bool)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| malformed(&line))?;
    let (mut length, mut seen, mut stays_open) = (None, None, true);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok(),
            "x-seen" => seen = Some(value.to_owned()),
            "connection" => stays_open = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if let Some(length) = length {
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
        stays_open = false;
    }
    let response = Response { status, seen, body };
    Ok((response, stays_open))
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("expected a status line, found {line:?}"),
    )
}
