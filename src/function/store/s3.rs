//! Implements [`Store`] with S3.

use std::error::Error as StdError;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_sdk_s3::config::ProvideCredentials;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use aws_sdk_s3::{Client, config};

use crate::function::aws::{explain, sdk_config, status};
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::{
    Body, Checksum, Fetched, Head, ObjectName, Precondition, Put, PutKind, PutResult, Store,
};
use crate::text::escape;

/// S3, or an emulator of it.
#[derive(Clone, Debug)]
pub struct S3 {
    client: Client,
}

impl S3 {
    /// Creates a client that uses the credentials in the environment variables, which Lambda sets.
    ///
    /// If the settings contain an endpoint, the client calls it instead of S3, with path-style addresses.
    #[must_use]
    pub fn new(settings: &FunctionSettings) -> Self {
        Self::with_credentials(settings, EnvironmentVariableCredentialsProvider::new())
    }

    /// Creates a client that uses these credentials.
    #[must_use]
    pub fn with_credentials(
        settings: &FunctionSettings,
        credentials: impl ProvideCredentials + 'static,
    ) -> Self {
        let endpoint = settings.endpoint.as_deref();
        let config = sdk_config(&settings.region, endpoint, settings.roots, credentials);
        let config = config::Builder::from(&config).force_path_style(endpoint.is_some());
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

/// Creates a [`Head`] from the response to a HEAD or a GET. This is a macro because the SDK has a separate
/// type for each response, with the same fields.
macro_rules! head_of {
    ($found:expr) => {
        Head {
            etag: $found.e_tag.unwrap_or_default(),
            version_id: $found.version_id.unwrap_or_default(),
            last_modified: $found.last_modified.map_or(0, |time| time.secs()),
            bytes: $found
                .content_length
                .and_then(|bytes| bytes.try_into().ok()),
            metadata: $found.metadata.into_iter().flatten().collect(),
            checksum: match $found.checksum_sha256 {
                Some(checksum) => Checksum::Sha256(checksum),
                None if $found.checksum_type.is_some()
                    || $found.checksum_crc32.is_some()
                    || $found.checksum_crc32_c.is_some()
                    || $found.checksum_crc64_nvme.is_some()
                    || $found.checksum_sha1.is_some() =>
                {
                    Checksum::Other
                }
                None => Checksum::Unknown,
            },
        }
    };
}

impl Store for S3 {
    type Body = S3Body;

    async fn head(&self, name: &ObjectName) -> Result<Option<Head>, Error> {
        let answer = self
            .client
            .head_object()
            .bucket(&name.bucket)
            .key(&name.key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match answer {
            Ok(found) => Ok(Some(head_of!(found))),
            // The response to a HEAD has no body, so a missing bucket looks like a missing key. If the bucket
            // is missing, the PUT that follows fails.
            Err(err) if status(&err) == Some(404) => Ok(None),
            Err(err) => Err(explain(format!("HEAD {name}"), err)),
        }
    }

    async fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> Result<Fetched<Self::Body>, Error> {
        let request = self
            .get_object(name)
            .set_if_none_match(unless.map(str::to_owned));
        match request.send().await {
            Ok(found) => Ok(found_object(name, found)),
            Err(err) if status(&err) == Some(304) => Ok(Fetched::NotModified(last_modified(&err))),
            Err(err) if status(&err) == Some(404) && err.code() != Some("NoSuchBucket") => {
                Ok(Fetched::Missing)
            }
            Err(err) => Err(explain(format!("GET {name}"), err)),
        }
    }

    async fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> Result<Fetched<Self::Body>, Error> {
        let request = self.get_object(name).version_id(version_id);
        match request.send().await {
            Ok(found) => Ok(found_object(name, found)),
            // S3 answers 400 if the text is not a version id of this bucket.
            Err(err)
                if matches!(status(&err), Some(400 | 404))
                    && err.code() != Some("NoSuchBucket") =>
            {
                Ok(Fetched::Missing)
            }
            Err(err) => Err(explain(
                format!("GET version {} of {name}", escape(version_id)),
                err,
            )),
        }
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|err| explain(format!("LIST s3://{bucket}/{}", escape(prefix)), err))?;
            let listed = page.contents.into_iter().flatten();
            keys.extend(listed.filter_map(|object| object.key));
        }
        Ok(keys)
    }

    async fn put(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        match put.form {
            PutKind::Single => self.put_whole(name, put).await,
            PutKind::Multipart => self.put_in_one_part(name, put).await,
        }
    }

    async fn delete(&self, name: &ObjectName, etag: &str) -> Result<PutResult, Error> {
        let answer = self
            .client
            .delete_object()
            .bucket(&name.bucket)
            .key(&name.key)
            .if_match(etag)
            .send()
            .await;
        put_result(
            "DELETE",
            name,
            &Precondition::Matches(etag.to_owned()),
            answer,
        )
    }

    fn now(&self) -> i64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        since_1970.map_or(0, |time| time.as_secs().try_into().unwrap_or(i64::MAX))
    }
}

fn found_object(name: &ObjectName, found: GetObjectOutput) -> Fetched<S3Body> {
    let name = name.clone();
    let head = head_of!(found);
    let stream = found.body;
    Fetched::Found(head, S3Body { name, stream })
}

impl S3 {
    fn get_object(&self, name: &ObjectName) -> GetObjectFluentBuilder {
        self.client.get_object().bucket(&name.bucket).key(&name.key)
    }

    async fn put_whole(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        let (if_match, if_none_match) = conditions(&put.precondition);
        let answer = self
            .client
            .put_object()
            .bucket(&name.bucket)
            .key(&name.key)
            .content_type(put.content_type)
            .set_metadata(Some(put.metadata.into_iter().collect()))
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .checksum_sha256(put.digest.stored_as(PutKind::Single))
            .body(ByteStream::from(put.bytes))
            .send()
            .await;
        put_result("PUT", name, &put.precondition, answer)
    }

    /// Writes an object as a multipart upload with one part. If the upload is not completed, the bucket's
    /// lifecycle rule removes it.
    async fn put_in_one_part(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        let (if_match, if_none_match) = conditions(&put.precondition);
        let checksum = put.digest.stored_as(PutKind::Single);
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(&name.bucket)
            .key(&name.key)
            .content_type(put.content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_metadata(Some(put.metadata.into_iter().collect()))
            .send()
            .await
            .map_err(|err| explain(format!("POST {name}"), err))?;
        let upload_id = upload.upload_id.unwrap_or_default();
        let part = self
            .client
            .upload_part()
            .bucket(&name.bucket)
            .key(&name.key)
            .upload_id(&upload_id)
            .part_number(1)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(put.bytes))
            .send()
            .await
            .map_err(|err| explain(format!("PUT {name}"), err))?;
        let part = CompletedPart::builder()
            .part_number(1)
            .set_e_tag(part.e_tag)
            .checksum_sha256(checksum)
            .build();
        let answer = self
            .client
            .complete_multipart_upload()
            .bucket(&name.bucket)
            .key(&name.key)
            .upload_id(upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().parts(part).build())
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .send()
            .await;
        put_result("POST", name, &put.precondition, answer)
    }
}

/// Returns the values of `If-Match` and `If-None-Match` for a precondition.
fn conditions(precondition: &Precondition) -> (Option<String>, Option<String>) {
    match precondition {
        Precondition::Absent => (None, Some("*".to_owned())),
        Precondition::Matches(etag) => (Some(etag.clone()), None),
    }
}

/// Returns whether a write took effect or conflicted with another write.
///
/// If the object no longer exists, S3 answers a request with `If-Match` with 404, which counts as a conflict.
/// Without `If-Match`, a 404 is an error.
fn put_result<T, E>(
    method: &str,
    name: &ObjectName,
    precondition: &Precondition,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<PutResult, Error>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let Err(err) = answer else {
        return Ok(PutResult::Written);
    };
    match (status(&err), precondition) {
        (Some(409 | 412), _) => Ok(PutResult::Conflict),
        (Some(404), Precondition::Matches(_)) if err.code() != Some("NoSuchBucket") => {
            Ok(PutResult::Conflict)
        }
        _ => Err(explain(format!("{method} {name}"), err)),
    }
}

/// The body of the response to a GET.
#[derive(Debug)]
pub struct S3Body {
    name: ObjectName,
    stream: ByteStream,
}

impl Body for S3Body {
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]>>, Error> {
        self.stream.try_next().await.map_err(|err| {
            let doing = format!("GET {}", self.name);
            Error::new(ErrorKind::Damaged, doing).with_source(err)
        })
    }
}

/// Returns the `Last-Modified` of a response that the SDK treats as an error, such as 304, in seconds since
/// 1970.
fn last_modified<E>(err: &SdkError<E, HttpResponse>) -> Option<i64> {
    let header = err.raw_response()?.headers().get("last-modified")?;
    let time = DateTime::from_str(header, DateTimeFormat::HttpDate);
    time.ok().map(|time| time.secs())
}
