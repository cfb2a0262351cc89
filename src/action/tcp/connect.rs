//! `tcp.connect`: whether a port takes connections.

use async_trait::async_trait;

use crate::action::net::{Port, check_host, check_literal_timeout, endpoint, literal_host, timeout};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::language::{Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::network::NetworkError;

arguments! {
    pub(in crate::action) struct TcpConnect {
        /// A name or an address that `network.hosts` covers
        host: Arg<String>,
        /// `1` to `65535`
        port: Arg<Port>,
        /// From the look-up of the name to the connection; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "5s",
    }
}

output! {
    #[derive(Default)]
    struct Connection {
        /// Whether it took a connection
        open: bool,
        /// The address that took it
        address: Option<String>,
        /// How long that took
        seconds: f64,
        /// Why not
        why: Option<String>,
    }
}

impl Declared for TcpConnect {
    const DECLARATION: Declaration = Declaration {
        name: "tcp.connect",
        summary: "Finds out whether a port takes connections",
        effect: Effect::Reads,
        about: "A connection from where the bot runs, closed at once: nothing is sent. Of a name, its addresses are tried one after \
            the other. That it is refused, or that nothing comes in time, is an answer of this step, and no error: look at `open`. \
            Only hosts are asked that `network.hosts` of dogwatch.yaml covers: by default Services (`*.svc`, `*.svc.cluster.local`). \
            Loopback, link-local and metadata addresses never are.",
        errors: "A host that `network.hosts` does not cover, that is never asked, or whose name leads nowhere.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Connection::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: port
  tcp.connect: { host: \"{{alert.labels.service}}.{{alert.labels.namespace}}.svc\", port: 5432 }
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn host(&self) -> Option<(String, Location)> {
        literal_host(&self.host)
    }

    fn check(&self) -> Result<(), String> {
        check_host(&self.host)?;
        check_literal_timeout(self.timeout.as_ref())
    }
}

#[async_trait]
impl Read for TcpConnect {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let endpoint = endpoint(&self.host, self.port.resolve(step.scope)?.0, step.scope)?;
        let timeout = timeout(self.timeout(step.scope)?)?;
        let asked_at = world.clock.now();
        let opened = world.network.connect(&endpoint, timeout.0).await;
        let seconds = (world.clock.now() - asked_at).as_seconds_f64();
        match opened {
            Ok(address) => {
                let address = Some(address.to_string());
                let summary = format!("{endpoint} takes connections");
                Ok(Output::new(&Connection { open: true, address, seconds, why: None }, summary))
            }
            Err(error @ (NetworkError::Away { .. } | NetworkError::Closed { .. })) => {
                let why = error.to_string();
                Ok(Output::new(&Connection { seconds, why: Some(why.clone()), ..Connection::default() }, why))
            }
            Err(error) => Err(error.into()),
        }
    }
}
