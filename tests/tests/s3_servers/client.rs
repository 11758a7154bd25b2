//! A client that signs as AWS's own signer does, and sends whatever a test wants.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::SystemTime;

use agent_tests::{DEADLINE, S3Keys, S3Server};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(crate) struct Client {
    address: SocketAddr,
    /// What `Host` is, and is signed.
    pub(crate) host: String,
    pub(crate) keys: S3Keys,
}

/// A request that is signed when it is sent.
pub(crate) struct Asked<'a> {
    client: &'a Client,
    method: &'a str,
    target: String,
    headers: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    body: Vec<u8>,
    /// What is signed in place of the body.
    signed_body: Option<Vec<u8>>,
    streams: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(server: &S3Server) -> Self {
        Self::of(
            server,
            S3Keys {
                access_key: server.access_key().to_owned(),
                secret_key: server.secret_key().to_owned(),
                session_token: None,
            },
        )
    }

    pub(crate) fn of(server: &S3Server, keys: S3Keys) -> Self {
        Self {
            address: server.address(),
            host: server.address().to_string(),
            keys,
        }
    }

    pub(crate) fn ask<'a>(&'a self, method: &'a str, target: impl Into<String>) -> Asked<'a> {
        Asked {
            client: self,
            method,
            target: target.into(),
            headers: Vec::new(),
            unsigned: Vec::new(),
            body: Vec::new(),
            signed_body: None,
            streams: false,
        }
    }

    pub(crate) fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> Asked<'_> {
        self.ask("PUT", path(key)).body(body)
    }

    pub(crate) fn get(&self, key: &str) -> Answer {
        self.ask("GET", path(key)).send()
    }

    /// Begins an upload in parts; returns its id, encoded for a query.
    pub(crate) fn create(&self, key: &str, headers: &[(&str, &str)]) -> String {
        let mut asked = self.ask("POST", format!("{}?uploads=", path(key)));
        for (name, value) in headers {
            asked = asked.header(name, value);
        }
        let answer = asked.send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let id = answer.element("UploadId");
        utf8_percent_encode(&id, NON_ALPHANUMERIC).to_string()
    }

    pub(crate) fn part(
        &self,
        key: &str,
        id: &str,
        number: usize,
        body: impl Into<Vec<u8>>,
    ) -> Asked<'_> {
        let target = format!("{}?partNumber={number}&uploadId={id}", path(key));
        self.ask("PUT", target).body(body)
    }

    /// Completes an upload of parts, each with what is said of it.
    pub(crate) fn complete(&self, key: &str, id: &str, parts: &[String]) -> Answer {
        let mut text = String::new();
        for (number, part) in (1..).zip(parts) {
            text.push_str(&format!(
                "<Part><PartNumber>{number}</PartNumber>{part}</Part>"
            ));
        }
        let target = format!("{}?uploadId={id}", path(key));
        let body = format!("<CompleteMultipartUpload>{text}</CompleteMultipartUpload>");
        self.ask("POST", target).body(body).send()
    }

    pub(crate) fn abort(&self, key: &str, id: &str) -> Answer {
        let target = format!("{}?uploadId={id}", path(key));
        self.ask("DELETE", target).send()
    }
}

/// The path of a key of the first bucket.
pub(crate) fn path(key: &str) -> String {
    format!("/runs/{}", utf8_percent_encode(key, PATH))
}

impl Asked<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header after it has been signed.
    pub(crate) fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Signs another body than it sends.
    pub(crate) fn signs(mut self, body: &str) -> Self {
        self.signed_body = Some(body.into());
        self
    }

    /// Has a body in chunks that are not signed, with a trailer.
    pub(crate) fn streams(mut self) -> Self {
        self.streams = true;
        self
    }

    pub(crate) fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.target);
        let sent = self.try_send();
        sent.unwrap_or_else(|error| panic!("{asked} has no answer: {error}"))
    }

    pub(crate) fn try_send(self) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.client.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        self.send_over(stream)
    }

    pub(crate) fn send_over(self, mut stream: impl Read + Write) -> io::Result<Answer> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in self.signed() {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("connection: close\r\n\r\n");
        stream.write_all(text.as_bytes())?;
        stream.write_all(&self.body)?;
        Answer::read(stream, self.method == "HEAD")
    }

    /// All headers, with the signature.
    fn signed(&self) -> Vec<(String, String)> {
        let keys = &self.client.keys;
        let identity = Credentials::new(
            &keys.access_key,
            &keys.secret_key,
            keys.session_token.clone(),
            None,
            "tests",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .expect("all that is needed is there")
            .into();
        let mut headers = vec![("host".to_owned(), self.client.host.clone())];
        headers.extend(self.headers.iter().cloned());
        headers.push(("content-length".to_owned(), self.body.len().to_string()));
        let url = format!("http://{}{}", self.client.host, self.target);
        let pairs = headers.iter().map(|(name, value)| (&**name, &**value));
        let body = if self.streams {
            SignableBody::StreamingUnsignedPayloadTrailer
        } else {
            SignableBody::Bytes(self.signed_body.as_ref().unwrap_or(&self.body))
        };
        let request = SignableRequest::new(self.method, url, pairs, body);
        let request = request.expect("the request is one of HTTP");
        let signed = sign(request, &params).expect("it can be signed");
        let (added, _) = signed.into_parts();
        let added: Vec<_> = added
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        headers.extend(added);
        headers.extend(self.unsigned.iter().cloned());
        headers
    }
}

impl Answer {
    /// Reads it up to the end of the connection.
    pub(crate) fn read(stream: impl Read, is_head: bool) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status)?;
        let status = status
            .split(' ')
            .nth(1)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = status.parse().map_err(io::Error::other)?;
        let mut answer = Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        match answer.header("content-length") {
            Some(length) if !is_head => {
                let length = length.parse().map_err(io::Error::other)?;
                answer.body = vec![0; length];
                reader.read_exact(&mut answer.body)?;
            }
            _ => {
                reader.read_to_end(&mut answer.body)?;
            }
        }
        Ok(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first element of a name in an answer of XML.
    pub(crate) fn element(&self, name: &str) -> String {
        let text = self.text();
        let found = text.split_once(&format!("<{name}>"));
        let found = found.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
        let (found, _) = found.unwrap_or_else(|| panic!("no <{name}> in {text}"));
        found.to_owned()
    }

    /// Asserts that it is an error as S3 has it.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.element("Code").as_str()), (status, code));
    }
}
