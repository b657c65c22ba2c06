# Meant to be sourced. Starts a local cloud without the stack, so that `sam deploy` is a first deployment, and sets
# the variables for it.
PYTHONPATH=$DOCS_ROOT/infra/local python3 -B -c 'import ministack, os; ministack.find(os.environ["CLOUD_PORT"]) or ministack.start(os.environ["CLOUD_PORT"], int(os.environ["CLOUD_PORT"]))'
export AWS_ENDPOINT_URL=http://127.0.0.1:$CLOUD_PORT AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export PATH=$DOCS_STANDINS:$PATH
