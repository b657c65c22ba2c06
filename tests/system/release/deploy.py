"""Deploys the folder `aws` of a release as docs/install.md describes, with only boto3.

    deploy.py FOLDER ENDPOINT

The program runs in the Python environment of the local cloud, which contains boto3. It creates two stacks: one from
the default bucket, and one from another bucket without a key prefix. The second stack has a topic, and a web server
is added to it. The program prints JSON: the outputs and the published .htaccess of each stack, and the outputs of the
web server.
"""

import json
import sys
import time
from pathlib import Path

import boto3

ACCOUNT = "000000000000"
REGION = "us-east-1"
WAIT_SECONDS_MAX = 120
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def main(folder: Path, endpoint: str) -> None:
    s3, cloudformation = (boto3.client(name, endpoint_url=endpoint, region_name=REGION) for name in ("s3", "cloudformation"))
    found = {}
    for stack, bucket, prefix, parameters in (
        # All parameters have their default values.
        ("defaults", f"htaccess-generator-release-{ACCOUNT}-{REGION}-an", f"{folder.name}/", {}),
        ("named", "my-releases", "", {"ArtifactBucket": "my-releases", "ArtifactPrefix": "", "SiteTopic": "enabled"}),
    ):
        upload(s3, folder, bucket, prefix)
        # On AWS, this parameter stays empty. Here it is the endpoint of the local cloud.
        create(cloudformation, stack, f"{bucket}/{prefix}template.yaml", parameters | {"EndpointUrl": endpoint})
        names = outputs(cloudformation, stack)
        found[stack] = {"outputs": names, "site": publish(s3, names)}
    create(cloudformation, "web-1", "my-releases/web-server.yaml", {"Generator": "named"})
    print(json.dumps({"stacks": found, "web server": outputs(cloudformation, "web-1")}))


def create(cloudformation, stack: str, template: str, parameters: dict[str, str]) -> None:
    """Creates a stack from a template in a bucket, and waits until the stack is complete."""
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"https://s3.{REGION}.amazonaws.com/{template}",
        Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


def upload(s3, folder: Path, bucket: str, prefix: str) -> None:
    """Creates a bucket and uploads the folder, as drag and drop in the S3 console does."""
    s3.create_bucket(Bucket=bucket)
    for path in folder.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())


def outputs(cloudformation, stack: str) -> dict[str, str]:
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def publish(s3, names: dict[str, str]) -> str:
    """Uploads a CSV, waits for its .htaccess, and returns the content."""
    s3.put_object(Bucket=names["UploadBucket"], Key="clients/acme.csv", Body=b"IP,Rule\n192.0.2.1,Allow\n")
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            return s3.get_object(Bucket=names["SiteBucket"], Key="clients/acme/.htaccess")["Body"].read().decode()
        except s3.exceptions.NoSuchKey:
            time.sleep(0.2)
    sys.exit(f"there is no .htaccess after {WAIT_SECONDS_MAX} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
