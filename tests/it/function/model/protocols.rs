//! The code under test.

use std::rc::Rc;

use htaccess_generator::function::publish::Publisher;
use htaccess_generator::function::store::{
    Body, ContentDigest, Fetched, ObjectName, Precondition, Put, PutKind, Store,
};
use htaccess_generator::function::{FunctionSettings, Handler, TemplateCache, Trigger};
use htaccess_generator::generate::generate;
use lambda_runtime::{Context, LambdaEvent};

use super::buckets::ANYTHING;
use super::contents::{source, template};
use super::invocation::{Code, Ended, Port};
use crate::function::handler::put_event;
use crate::function::memory_store::name;
use crate::support::AS_OF;

/// The code under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `Publisher::publish`.
    Publisher,
    /// `Handler::handle`, from the event to the response.
    Handler,
    /// A naive protocol: read the CSV, write the output.
    ReadThenWrite,
}

pub(crate) fn publisher(
    port: Port,
    key: &'static str,
    trigger: Trigger,
    settings: Rc<FunctionSettings>,
    templates: Rc<TemplateCache>,
) -> Code {
    Box::pin(async move {
        let work = async {
            let template = templates.current(&port).await?;
            let mut publisher = Publisher::new(&port, &settings, &templates, template);
            publisher.publish(&name("uploads", key), &trigger).await
        };
        match work.await {
            Ok(answer) => Ended::Ok(answer.status.to_string()),
            Err(err) => Ended::Err(err.kind()),
        }
    })
}

pub(crate) fn handler(
    port: Port,
    key: &'static str,
    trigger: &Trigger,
    settings: &FunctionSettings,
) -> Code {
    let handler = Handler::new(port, settings.clone()).unwrap();
    let mut event = put_event(&[key]);
    if let Trigger::VersionDeleted(version) = trigger {
        event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
        event["Records"][0]["s3"]["object"]["versionId"] = version.as_str().into();
    }
    Box::pin(async move {
        let event = LambdaEvent::new(event, Context::default());
        match handler.handle(event).await {
            Ok(response) => Ended::Ok(
                serde_json::to_value(response).unwrap()["results"][0]["status"].to_string(),
            ),
            Err(err) => Ended::Err(err.kind()),
        }
    })
}

pub(crate) fn read_then_write(
    port: Port,
    key: &'static str,
    settings: Rc<FunctionSettings>,
) -> Code {
    let work = async move {
        let template = template(Protocol::ReadThenWrite, None);
        let Fetched::Found(head, mut body) = port.get(&name("uploads", key), None).await? else {
            return Ok("missing");
        };
        let bytes = body.next().await?.unwrap().as_ref().to_vec();
        let outcome = generate(&bytes, &settings.settings, &template, &source(key), AS_OF);
        let Some(file) = outcome.file else {
            return Ok("refused");
        };
        let put = Put {
            digest: ContentDigest::of(file.as_bytes()),
            bytes: file.into_bytes(),
            content_type: "text/plain; charset=utf-8",
            metadata: [("source-version".to_owned(), head.version_id)].into(),
            precondition: Precondition::Matches(ANYTHING.to_owned()),
            form: PutKind::Single,
        };
        port.put(&output_name(), put).await.map(|_| "written")
    };
    Box::pin(async {
        match work.await {
            Ok(status) => Ended::Ok(status.to_owned()),
            Err(err) => {
                let err: htaccess_generator::function::Error = err;
                Ended::Err(err.kind())
            }
        }
    })
}

pub(crate) fn output_name() -> ObjectName {
    name("sites", "acme/.htaccess")
}
