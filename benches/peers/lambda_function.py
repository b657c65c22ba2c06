"""The original's task as a typical Lambda function in Python. README.md in this folder describes it."""

import io
import os
from typing import Any
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config

from original import parse_csv, render_template

# Created once per environment, as AWS recommends.
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def handler(event: dict[str, Any], _: object) -> dict[str, str]:
    """Writes one .htaccess file for each CSV in an S3 notification."""
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        upload = s3.get_object(Bucket=record["s3"]["bucket"]["name"], Key=key)
        lines = io.TextIOWrapper(upload["Body"], encoding="utf-8", newline="")
        text = render_template(parse_csv(lines))
        output = f"{key.removesuffix('.csv')}/.htaccess"
        s3.put_object(Bucket=os.environ["OUTPUT_BUCKET"], Key=output, Body=text.encode())
    return {"status": "written"}
