//! Formats the AWS CLI commands that the report shows, for a POSIX shell.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::function::store::ObjectName;

/// Returns the command that makes an older version of an object the newest version again.
pub(crate) fn restore(object: &ObjectName, version_id: &str) -> String {
    // S3 requires the copy source to be URL-encoded
    // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>).
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    let ObjectName { bucket, key } = object;
    let path = utf8_percent_encode(key, ENCODED);
    format!(
        "aws s3api copy-object --bucket {} --key {} --copy-source {}",
        quoted(bucket),
        quoted(key),
        quoted(&format!("{bucket}/{path}?versionId={version_id}"))
    )
}

/// Returns the command that writes a short text into an object.
pub(crate) fn write_text(text: &str, object: &ObjectName) -> String {
    let ObjectName { bucket, key } = object;
    format!(
        "printf %s {} | aws s3 cp - {}",
        quoted(text),
        quoted(&format!("s3://{bucket}/{key}"))
    )
}

/// Quotes an argument for the shell if it is empty or contains a character that a shell could interpret.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str) -> ObjectName {
        ObjectName {
            bucket: "uploads".to_owned(),
            key: key.to_owned(),
        }
    }

    #[test]
    fn commands_quote_keys_for_the_shell_and_for_the_url() {
        assert_eq!(
            restore(&object("clients/acme.csv"), "v1"),
            "aws s3api copy-object --bucket uploads --key clients/acme.csv --copy-source \
             'uploads/clients/acme.csv?versionId=v1'"
        );
        assert_eq!(
            restore(&object("it's é+$(x).csv"), "v1"),
            "aws s3api copy-object --bucket uploads --key 'it'\\''s é+$(x).csv' --copy-source \
             'uploads/it%27s%20%C3%A9%2B%24%28x%29.csv?versionId=v1'"
        );
        assert_eq!(
            write_text("k3f01qxz", &object("approvals/a b.csv")),
            "printf %s k3f01qxz | aws s3 cp - 's3://uploads/approvals/a b.csv'"
        );
    }
}
