"""The places where the documents' commands run. Most commands need no entry here. A new block with `htaccess …` runs
in a scratch folder with a user's files (`tests/system/documents/files`, and the README's CSV as acme.csv). A new
block with `aws …` runs in the local cloud.

If a data block follows a line that begins with a file name in backticks, the file exists with this content for the
commands below it. A command that should fail has the comment `# exit status 1`. The output that a `console` block
shows is compared with the real output, and `run.py --update` updates it.

To place a block that needs more, add it to PLACES with its document and the beginning of its first command. `before`
and `after` are commands that run before and after the block in the same shell. They must also succeed. `words`
contains the values of placeholders. A command that cannot run here needs a program in `standins/`, which runs in its
place:

| command | what runs instead | reason |
|---|---|---|
| `cargo install` | the same without the optimiser | optimisation takes minutes |
| `cargo update` | `cargo update --dry-run` | the command would change `Cargo.lock` |
| `cargo test` | `cargo test … -- --list`, which must list a test | `make test` runs the tests |
| `make test`, `deb`, `fuzz`, `lint` and similar | `make --dry-run` | `make test` runs this suite and builds a package |
| `make bench` | `make --dry-run`; the options of benches are looked up | benches take hours |
| `sam build` | a quick build; for arm64, its options are looked up | the optimiser and a second build each take minutes |
| `sam deploy` | deploys to the local cloud, with `y` for its only question | there is no AWS account |
| `apt-get install` | the same with `--simulate`, which checks the package and its dependencies | the machine must not change |
| `sam deploy --config-env` | creates the change set | one stack is enough |
| `sam delete` | its options are looked up, and the aws client deletes the stack | MiniStack lacks calls of the SAM CLI |
| `sam local invoke` | its options are looked up; `make test-invoke` runs it | the command needs Docker |
| `aws sqs start-message-move-task` | the client checks the parameters | MiniStack does not support the call |
| `systemctl` | the units must be installed; their commands run | systemd does not run here |
"""

from dataclasses import dataclass, field

# Commands of shells, of any Unix and of the Debian packages of the tests. They do not affect where a block runs.
NEUTRAL = {
    *(": [ [[ alias awk basename bash bunzip2 cat cd chmod cmp cp curl cut date declare diff dirname do done echo else env esac").split(),
    *("eval export false fi find for function git grep gunzip gzip head if install jq ls man mkdir mktemp mv printf python3 read").split(),
    *("readlink rm sed set sh sha256sum sleep sort source tail tar tee test then time touch tr true uniq unset unzip wait wc while xargs zcat").split(),
}
OFFLINE = {"htaccess", "htaccess-*-x86_64-linux/htaccess", "cargo", "apt-get"}
CLOUD = {"make", "aws", "sam", "systemctl", "infra/operate/redrive.py", "htaccess-sync", "infra/local/cloud.py"}


@dataclass(frozen=True)
class Place:
    """The commands around a block, and the values of its placeholders."""

    before: str = ""
    after: str = ""
    words: dict[str, str] = field(default_factory=dict)


# The root folder of a web server, inside the scratch folder.
MACHINE = "$DOCS_SCRATCH/root"
OPERATIONS = "docs/operations.md"
INSTALL = "docs/install.md"
# Copies the release files that a user would have downloaded. `make test-documents` builds them for this machine.
DOWNLOADED = "cp -R $DOCS_ROOT/target/dist-quick/. ."
CLOUD_WITHOUT_STACK = ". $DOCS_ROOT/tests/system/documents/empty_cloud.sh"
# Two versions of a CSV, as a reviewer has them.
OLD_AND_NEW = "cp acme.csv old.csv && { cat acme.csv; echo 192.0.2.99,Allow,new; } > new.csv"
# The earlier version in a Git commit and in a bucket.
EARLIER_VERSIONS = (
    "git init -q . && git add acme.csv && git -c user.name=user -c user.email=user@example.com commit -q --allow-empty -m first && "
    f"{CLOUD_WITHOUT_STACK} && aws s3 mb s3://earlier && aws s3 cp acme.csv s3://earlier/"
)
FAILURE_QUEUE = 'aws sqs receive-message --queue-url "$FAILURE_QUEUE" '

PLACES: dict[tuple[str, str], Place] = {
    ("README.md", "htaccess render acme.csv"): Place(before=OLD_AND_NEW),
    ("docs/command-line.md", "htaccess render sites/ -o out/  "): Place(
        before="mkdir -p sites/lists && echo IP,192.0.2.1 | tr , '\\n' > sites/lists/office.csv && printf 'IP,Rule\\n192.0.2.9,Always\\n' > all.csv",
        after="rm -r sites/lists",
    ),
    ("docs/command-line.md", "htaccess diff old.csv new.csv --hold-above"): Place(before=OLD_AND_NEW),
    ("docs/how-to.md", "htaccess check acme.csv"): Place(before=OLD_AND_NEW),
    ("docs/how-to.md", "aws s3 cp acme.csv"): Place(
        before=f"""{CLOUD_WITHOUT_STACK} && . $DOCS_ROOT/tests/system/documents/operator.sh && sam build &&
            sam deploy --parameter-overrides HoldAbove=30 && BUCKETS=000000000000-us-east-1-an &&
            UPLOAD_BUCKET=htaccess-generator-uploads-$BUCKETS && SITE_BUCKET=htaccess-generator-site-$BUCKETS &&
            REPORT=s3://htaccess-generator-reports-$BUCKETS""",
        after="wait_for aws s3 cp $REPORT/preview/clients/acme.csv.html -",
    ),
    ("docs/how-to.md", "printf %s k3f0q2xz"): Place(
        # Waits until the report on the second upload contains the code.
        before="""networks() { { echo IP,Rule && for n in $(seq 20); do echo "10.$1.$n.0/25,Allow"; done; } | aws s3 cp - "s3://$UPLOAD_BUCKET/clients/acme.csv"; }
            code() { aws s3 cp $REPORT/clients/acme.csv.html - | grep -o 'printf %s [0-9a-z]*' | cut -d ' ' -f 3 | grep .; }
            has() { aws s3 cp "s3://$SITE_BUCKET/clients/acme/.htaccess" - | grep -q "$1"; }
            networks 1 && wait_for has 10.1.1.0/25 && networks 2 && wait_for code && CODE=$(code)""",
        words={"k3f0q2xz": "$CODE"},
        after="wait_for has 10.2.1.0/25 && make down",
    ),
    ("README.md", "make up"): Place(after="! make -s env"),
    ("README.md", "cargo install"): Place(after="grep 'Require ip 192.0.2.10' .htaccess"),
    ("htaccess --help", "htaccess check"): Place(before=OLD_AND_NEW),
    ("htaccess render --help", "htaccess render"): Place(before="gzip --keep --force acme.csv", after="grep -q 'allow 172.100.2.0/24;' access.conf"),
    ("htaccess completions --help", "htaccess completions"): Place(
        before="mkdir -p ~/.local/share/bash-completion/completions ~/.zfunc ~/.config/fish/completions",
        after="cd ~ && test -s .local/share/bash-completion/completions/htaccess -a -s .zfunc/_htaccess && cd $OLDPWD",
    ),
    ("htaccess diff --help", "htaccess diff"): Place(before=f"{OLD_AND_NEW} && cp -R sites deployed && {EARLIER_VERSIONS}", after="make down", words={"BUCKET": "earlier"}),
    ("docs/command-line.md", "git show"): Place(before=f"cp -R sites deployed && {EARLIER_VERSIONS}", after="make down", words={"BUCKET": "earlier"}),
    ("docs/templates.md", "htaccess template show"): Place(
        before=f"{CLOUD_WITHOUT_STACK} && aws s3 mb s3://my-templates && sam build && sam deploy",
        after="make down",
    ),
    ("docs/web-servers.md", "jq '.[0]'"): Place(
        before=f"{CLOUD_WITHOUT_STACK} && htaccess render acme.csv --template aws-waf > acme.waf.json",
    ),
    ("docs/web-servers.md", "name=$(jq"): Place(
        after="""aws wafv2 get-ip-set --scope REGIONAL --name "$name" --id "$id" --query IPSet.Addresses | grep 192.168.1.10/32 && make down""",
    ),
    ("README.md", "sam build"): Place(
        before=f"{CLOUD_WITHOUT_STACK} && mkdir -p {MACHINE}/var/www/clients/acme",
        after=f"grep -q 'Require ip 172.100.2.0/24' {MACHINE}/var/www/clients/acme/.htaccess && make down",
        words={"ACCOUNT-REGION": "000000000000-us-east-1", "/var/lib/htaccess-sync": f"{MACHINE}/var/lib/htaccess-sync", "/var/www": f"{MACHINE}/var/www"},
    ),
    (OPERATIONS, "output()"): Place(
        before=f"""{CLOUD_WITHOUT_STACK} && . $DOCS_ROOT/tests/system/documents/operator.sh &&
            {{ aws cloudformation describe-stacks --stack-name htaccess-generator || {{ sam build && sam deploy; }}; }}""",
        after='test -n "$FUNCTION_NAME" && test -n "$REPORT_BUCKET"',
    ),
    (OPERATIONS, "aws s3api list-object-versions"): Place(
        before="""upload clients/acme.csv 192.0.2.1 && published clients/acme 192.0.2.1 && upload clients/acme.csv 192.0.2.2 &&
            published clients/acme 192.0.2.2 &&
            FIRST=$(aws s3api list-object-versions --bucket "$UPLOAD_BUCKET" --prefix clients/acme.csv --query 'Versions[?IsLatest==`false`]|[0].VersionId' --output text)""",
        after="published clients/acme 192.0.2.1",
        words={"VERSION": "$FIRST"},
    ),
    (OPERATIONS, "aws s3 ls s3://BUCKET"): Place(
        before="""SAM=aws-sam-cli-managed-default
            BUCKET=$(aws cloudformation describe-stacks --stack-name $SAM --query "Stacks[0].Outputs[?OutputKey=='SourceBucket'].OutputValue" --output text)
            KEY=$(aws s3 ls "s3://$BUCKET/htaccess-generator/" | awk '!/template/ { print $4 }' | head -n 1)""",
        after="upload clients/back.csv 192.0.2.3 && published clients/back 192.0.2.3",
        words={"BUCKET": "$BUCKET", "KEY": "$KEY"},
    ),
    (OPERATIONS, "aws s3 cp --recursive --only-show-errors"): Place(
        before="OLD_UPLOAD_BUCKET=old-uploads && aws s3 mb s3://$OLD_UPLOAD_BUCKET && upload clients/moved.csv 192.0.2.8 $OLD_UPLOAD_BUCKET",
        after="published clients/moved 192.0.2.8",
    ),
    (OPERATIONS, "aws s3 ls --recursive"): Place(before="OLD_SITE_BUCKET=old-sites && aws s3 mb s3://$OLD_SITE_BUCKET"),
    (OPERATIONS, "RUN=$(aws stepfunctions start-execution"): Place(
        before="""upload clients/repaired.csv 192.0.2.9 && published clients/repaired 192.0.2.9 &&
            aws s3 rm "s3://$SITE_BUCKET/clients/repaired/.htaccess" """,
        after="published clients/repaired 192.0.2.9",
    ),
    (OPERATIONS, "make htaccess-sync"): Place(
        before=f"mkdir -p {MACHINE}/usr/local/bin {MACHINE}/etc/systemd/system {MACHINE}/var/www/clients/acme",
        # Runs the command that the installed unit would start.
        after=f"""sed -n 's/^ExecStart=//p' {MACHINE}/etc/systemd/system/htaccess-sync.service |
            sed "s#BUCKET#$SITE_BUCKET#; s# /var# {MACHINE}/var#g; s#^/usr#{MACHINE}/usr#" > start.sh &&
            sh start.sh && grep 'Require ip' {MACHINE}/var/www/clients/acme/.htaccess""",
        words={"/usr/local/bin/": f"{MACHINE}/usr/local/bin/", "/etc/systemd/system/": f"{MACHINE}/etc/systemd/system/"},
    ),
    (OPERATIONS, "sam deploy --parameter-overrides SiteTopic=enabled"): Place(
        after='aws cloudformation describe-stacks --stack-name web-1 --query "Stacks[0].Outputs[?OutputKey==\'Queue\'].OutputValue" --output text | grep web-1-Queue',
    ),
    (OPERATIONS, "install -D -m 644 infra/operate/sync/queue.conf"): Place(
        # Runs the command that the installed drop-in would start, until it has installed an output that is uploaded
        # after its start.
        after=f"""QUEUE=$(aws cloudformation describe-stacks --stack-name web-1 --query "Stacks[0].Outputs[?OutputKey=='Queue'].OutputValue" --output text)
            sed -n 's/^ExecStart=//p' {MACHINE}/etc/systemd/system/htaccess-sync.service.d/queue.conf | tail -n 1 |
            sed "s#QUEUE#$QUEUE#; s#BUCKET#$SITE_BUCKET#; s# /var# {MACHINE}/var#g; s#^/usr#exec {MACHINE}/usr#" > follow.sh &&
            {{ sh follow.sh & FOLLOWER=$!; }} && upload clients/acme.csv 192.0.2.77 &&
            wait_for grep 'Require ip 192.0.2.77' {MACHINE}/var/www/clients/acme/.htaccess && kill $FOLLOWER && wait $FOLLOWER""",
        words={"/etc/systemd/system/": f"{MACHINE}/etc/systemd/system/"},
    ),
    (OPERATIONS, "systemctl disable --now htaccess-sync.service"): Place(
        after=f"test ! -e {MACHINE}/etc/systemd/system/htaccess-sync.service.d/queue.conf",
        words={"/etc/systemd/system/": f"{MACHINE}/etc/systemd/system/"},
    ),
    (OPERATIONS, "aws logs start-query"): Place(
        words={
            "ID": """$(aws logs start-query --log-group-name "$LOG_GROUP" --start-time 0 --end-time $(date +%s) --query-string 'fields @message' \
                --query queryId --output text)"""
        },
    ),
    (OPERATIONS, "aws sqs get-queue-attributes --queue-url \"$FAILURE_QUEUE\""): Place(
        before="fail clients/acme.csv 192.0.2.4",
        after="infra/operate/redrive.py --show | grep 'NoSuchBucket: .* clients/acme.csv'",
    ),
    (OPERATIONS, FAILURE_QUEUE + "--visibility-timeout 0"): Place(before="failed 1", after="failed 1"),
    (OPERATIONS, "infra/operate/redrive.py"): Place(after="published clients/acme 192.0.2.4 && failed 0"),
    (OPERATIONS, FAILURE_QUEUE + "--output json"): Place(
        before="fail clients/acme.csv 192.0.2.5",
        after="published clients/acme 192.0.2.5 && failed 0",
    ),
    (OPERATIONS, "aws lambda put-function-concurrency"): Place(after="upload clients/acme.csv 192.0.2.6 && failed 1"),
    (OPERATIONS, "aws lambda delete-function-concurrency"): Place(after="published clients/acme 192.0.2.6 && failed 0"),
    (OPERATIONS, "QUEUE_ARN="): Place(
        before="sam deploy --parameter-overrides Delivery=queue && UPLOAD_QUEUE=$(output UploadQueue)",
        after='aws lambda update-event-source-mapping --uuid "$MAPPING" --enabled',
    ),
    (OPERATIONS, "infra/operate/redrive.py --queue"): Place(before="sam deploy --parameter-overrides Delivery=direct"),
    (OPERATIONS, "sam deploy --parameter-overrides ExistingUploadBucket"): Place(
        before="aws s3api create-bucket --bucket team-uploads",
    ),
    (OPERATIONS, "aws s3api put-bucket-versioning"): Place(
        after="upload clients/team.csv 192.0.2.7 team-uploads && published clients/team 192.0.2.7",
    ),
    (INSTALL, "sha256sum"): Place(before=f"{DOWNLOADED} && rm htaccess-sync.timer"),
    (INSTALL, "tar -xf"): Place(before=DOWNLOADED, after="grep 'Require ip' .htaccess", words={"x86_64": "*"}),
    (INSTALL, "install htaccess-*"): Place(
        before=f"mkdir -p {MACHINE}/usr/local/bin",
        after=f"test -x {MACHINE}/usr/local/bin/htaccess -a -s {MACHINE}/usr/share/bash-completion/completions/htaccess",
        words={"x86_64": "*", "/usr/local": f"{MACHINE}/usr/local", "/usr/share": f"{MACHINE}/usr/share"},
    ),
    (INSTALL, "apt-get install"): Place(words={"htaccess-generator_*_amd64.deb": "htaccess-generator_*.deb"}),
    (INSTALL, "unzip"): Place(
        before=f"{CLOUD_WITHOUT_STACK} && {DOWNLOADED} && rm -rf aws",
        # The function must use the S3 endpoint of the local cloud.
        words={
            "ParameterValue=my-releases": "ParameterValue=my-releases ParameterKey=EndpointUrl,ParameterValue=$AWS_ENDPOINT_URL",
            "ACCOUNT-REGION": "000000000000-us-east-1",
        },
        after="""SITE=htaccess-generator-site-000000000000-us-east-1-an
            for _ in $(seq 100); do aws s3 cp s3://$SITE/clients/acme/.htaccess - | grep 'Require ip' && break; sleep 0.2; done""",
    ),
    (INSTALL, "install htaccess-sync"): Place(
        before=f"{DOWNLOADED} && mkdir -p {MACHINE}/usr/local/bin {MACHINE}/etc/systemd/system {MACHINE}/var/www/clients/acme",
        after=f"""sed -n 's/^ExecStart=//p' {MACHINE}/etc/systemd/system/htaccess-sync.service |
            sed "s#BUCKET#htaccess-generator-site-000000000000-us-east-1-an#; s# /var# {MACHINE}/var#g; s#^/usr#{MACHINE}/usr#" > start.sh &&
            sh start.sh && grep 'Require ip' {MACHINE}/var/www/clients/acme/.htaccess && make down""",
        words={"/usr/local/bin/": f"{MACHINE}/usr/local/bin/", "/etc/systemd/system/": f"{MACHINE}/etc/systemd/system/"},
    ),
    (INSTALL, "sam build"): Place(before=CLOUD_WITHOUT_STACK, after="make down"),
    # The commands that `make up` prints must also work.
    ("events/README.md", "make up"): Place(
        after="make up | sed -n '/^Upload/,/^To stop it/s/^    //p' > told.sh && grep -q 'aws s3 cp' told.sh && bash -e told.sh",
    ),
}
