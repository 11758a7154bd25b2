//! Two networks with a router between them that can lose everything.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::Arc;

use nix::sched::{CloneFlags, setns, unshare};

/// Where a server in a network is.
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 2, 2);

/// A network for clients and one for servers, with a router between them. Needs root.
///
/// What is cut off is lost without a word, as by a broken switch: no side is told, packets on their
/// way get no answer, and a connection is as it was when the network is healed in time. Each of the
/// three is a namespace of the kernel that is gone with the last process in it.
///
/// ```no_run
/// use agent_tests::{NatsServer, Network, Run};
///
/// let network = Network::new();
/// let nats = NatsServer::new().in_network(&network).start();
/// let run = Run::new().through(network.through()).env("NATS_URL", nats.url()).start();
/// network.cut();
/// network.heal();
/// ```
#[derive(Debug, Clone)]
pub struct Network(Arc<Namespaces>);

#[derive(Debug)]
struct Namespaces {
    clients: File,
    router: File,
    servers: File,
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Network {
    /// Makes the namespaces, and lets packets through.
    pub fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "networks of one's own need root"
        );
        let network = Self(Arc::new(Namespaces {
            clients: namespace(),
            router: namespace(),
            servers: namespace(),
        }));
        let it = &network.0;
        let router = path(&it.router);
        let link = |end: &str, other: &str| {
            format!("link add {end} type veth peer name {other} netns {router}")
        };
        let side = |end: &str, net: u8| {
            [
                "link set lo up".to_owned(),
                format!("address add 10.77.{net}.2/24 dev {end}"),
                format!("link set {end} up"),
            ]
        };
        within(&it.clients, || ip(&[link("eth0", "clients")]));
        within(&it.servers, || ip(&[link("eth0", "servers")]));
        within(&it.router, || {
            ip(&[
                "address add 10.77.1.1/24 dev clients".to_owned(),
                "address add 10.77.2.1/24 dev servers".to_owned(),
                "link set clients up".to_owned(),
                "link set servers up".to_owned(),
            ]);
        });
        for (namespace, net) in [(&it.clients, 1), (&it.servers, 2)] {
            within(namespace, || {
                ip(&side("eth0", net));
                ip(&[format!("route add default via 10.77.{net}.1")]);
            });
        }
        network.heal();
        network
    }

    /// Loses every packet between clients and servers from here on.
    pub fn cut(&self) {
        self.forward(false);
    }

    /// Lets packets through again.
    pub fn heal(&self) {
        self.forward(true);
    }

    /// What to run a client through: `Run::new().through(network.through())`.
    pub fn through(&self) -> [String; 3] {
        let path = path(&self.0.clients);
        [
            "nsenter".to_owned(),
            format!("--net={path}"),
            "--".to_owned(),
        ]
    }

    /// Does something on the clients' side, on a thread of its own.
    pub fn as_client<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        within(&self.0.clients, work)
    }

    /// Does something on the servers' side, on a thread of its own.
    pub(super) fn as_server<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        within(&self.0.servers, work)
    }

    /// What to run a server through.
    pub(super) fn through_of_servers(&self) -> [String; 3] {
        let path = path(&self.0.servers);
        [
            "nsenter".to_owned(),
            format!("--net={path}"),
            "--".to_owned(),
        ]
    }

    /// Where a server is.
    #[expect(
        clippy::unused_self,
        reason = "there is no server's address without a network"
    )]
    pub(super) fn server_address(&self) -> Ipv4Addr {
        SERVER
    }

    /// A router that does not forward drops what is not for itself, and answers nothing.
    fn forward(&self, forward: bool) {
        within(&self.0.router, || {
            std::fs::write(
                "/proc/sys/net/ipv4/ip_forward",
                if forward { "1" } else { "0" },
            )
        })
        .expect("root may configure a namespace that it made");
    }
}

/// Makes a namespace, which lives as long as the file or a process in it.
fn namespace() -> File {
    let made = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may make a namespace");
        File::open("/proc/thread-self/ns/net").expect("every thread is in a namespace")
    });
    made.join().expect("its panic is above")
}

/// Where other processes find a namespace while this one has it open.
fn path(namespace: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd())
}

/// Does something in a namespace, on a thread of its own: sockets stay where they are made, and
/// processes where they are started.
fn within<T: Send>(namespace: &File, work: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("root may enter a namespace");
            work()
        });
        thread.join()
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn ip(commands: &[String]) {
    for command in commands {
        let done = Command::new("ip")
            .args(command.split(' '))
            .output()
            .expect("`ip` can be started; see `tests/install`");
        assert!(
            done.status.success(),
            "`ip {command}`: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}
