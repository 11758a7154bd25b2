//! What a subject says.

/// What the subscriber reads from a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Whether it is of everybody, and not of one run.
    pub general: bool,
    /// The first token of a run's subject.
    pub namespace: Option<String>,
    /// The second.
    pub name: Option<String>,
    /// The third.
    pub uid: Option<String>,
    /// The token behind `agent`.
    pub agent_id: Option<String>,
    /// The token behind that, or behind `general`.
    pub kind: Option<String>,
}

impl Subject {
    /// Takes a subject apart by position, as the subscriber does; `None` if it does not read it.
    pub fn parse(subject: &str) -> Option<Self> {
        let rest = subject.strip_prefix("agentrun.")?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let token = |at: usize| {
            let token = tokens.get(at).filter(|token| !token.is_empty());
            token.map(|&token| token.to_owned())
        };
        if let Some(kind) = rest.strip_prefix("general.") {
            let kind = kind.split('.').next().filter(|kind| !kind.is_empty());
            return Some(Self {
                general: true,
                kind: kind.map(str::to_owned),
                ..Self::default()
            });
        }
        let agent = tokens.iter().position(|&token| token == "agent")?;
        Some(Self {
            general: false,
            namespace: token(0).filter(|_| agent > 0),
            name: token(1).filter(|_| agent > 1),
            uid: token(2).filter(|_| agent > 2),
            agent_id: token(agent + 1),
            kind: token(agent + 2),
        })
    }
}
