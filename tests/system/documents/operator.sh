# Meant to be sourced. Functions for the commands before and after the blocks of the operations guide.

wait_for() { # COMMAND...: waits until it succeeds
  for _ in $(seq 100); do "$@" > /dev/null 2>&1 && return; sleep 0.2; done
  echo "waited in vain for: $*"
  return 1
}

upload() { # KEY ADDRESS [BUCKET]: uploads a CSV that lets one address in
  printf 'IP Address,Rule\n%s,Allow\n' "$2" | aws s3 cp - "s3://${3-$UPLOAD_BUCKET}/$1"
}

is_published() { aws s3 cp "s3://$SITE_BUCKET/$1/.htaccess" - | grep -q "Require ip $2\$"; }
published() { wait_for is_published "$@"; } # SITE ADDRESS: the .htaccess of the site allows the address

failures() { aws sqs get-queue-attributes --queue-url "$FAILURE_QUEUE" --attribute-names ApproximateNumberOfMessages --query Attributes.ApproximateNumberOfMessages --output text; }
are_failures() { test "$(failures)" = "$1"; }
failed() { wait_for are_failures "$1"; } # NUMBER: this number of events is in the failure queue

output_bucket() { # BUCKET: sets the bucket to which the function writes
  aws lambda get-function-configuration --function-name "$FUNCTION_NAME" --query Environment --output json |
    sed "s/\(\"OUTPUT_BUCKET\": \)\"[^\"]*\"/\1\"$1\"/" > environment.json
  aws lambda update-function-configuration --function-name "$FUNCTION_NAME" --environment file://environment.json
}

fail() { # KEY ADDRESS: makes its upload fail into the failure queue, and repairs the function
  output_bucket no-such-bucket-anywhere && upload "$1" "$2" && failed 1 && output_bucket "$SITE_BUCKET"
}
