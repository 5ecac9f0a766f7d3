//! What happens in a scenario, as choices among small numbers. That is what shrinks well.

use proptest::{option, prelude::*};

/// One message to make.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Index of the account that signs.
    pub(super) sender: usize,
    /// In whose name.
    pub(super) owner: Owner,
    /// Index of the content time.
    pub(super) time: usize,
    /// Index of the envelope time, if it differs.
    pub(super) sent: Option<usize>,
    /// Index of the channel.
    pub(super) channel: usize,
    pub(super) action: Action,
}

/// Whose name a message carries.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    Sender,
    /// The sender in lower-case letters, which is the same account and another text.
    LowerCase,
    Other(usize),
}

/// A message made before.
#[derive(Clone, Debug)]
pub(super) enum Pick {
    /// The one with this number, modulo how many there are; one of the fitting kind if any.
    Made(u16),
    /// One of any kind.
    Any(u16),
    Missing(u8),
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Post {
        post_type: usize,
        about: Option<Pick>,
        tagged: bool,
    },
    Amend {
        target: Pick,
        /// Whether sender and owner are those of the target.
        as_target: bool,
    },
    Aggregate {
        key: usize,
        /// A bit for each field.
        fields: u8,
    },
    Store {
        file: usize,
        reference: Option<StoreRef>,
    },
    Machine {
        kind: MachineKind,
        files: [Pick; 2],
        use_latest: bool,
        replaces: Option<Pick>,
        allow_amend: bool,
    },
    Forget {
        targets: Vec<Pick>,
        as_target: bool,
    },
    Grant(Vec<Grant>),
    Balances {
        trusted: bool,
        chain: usize,
        height: u64,
        amounts: Vec<(usize, u8)>,
    },
    Credits {
        trusted: bool,
        kind: CreditKind,
        amounts: Vec<(usize, u8)>,
    },
    Copy {
        of: u16,
        variation: Variation,
    },
}

#[derive(Clone, Debug)]
pub(super) enum StoreRef {
    Label(usize),
    Revision(Pick),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum MachineKind {
    Program,
    Instance,
    VProgram,
}

#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) delegate: usize,
    pub(super) filter: Option<Filter>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    Chain,
    Channel,
    Type,
    PostType,
    Key,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CreditKind {
    Distribution,
    Transfer,
    Expense,
}

/// How a copy differs from the original.
#[derive(Clone, Debug)]
pub(super) enum Variation {
    Nothing,
    Time(usize),
    Channel(usize),
    HighS,
    Notation,
    Forged,
    BySender(usize),
}

/// Sizes of the universe; indexes are below them.
pub(super) const ACCOUNTS: usize = 5;
pub(super) const TIMES: usize = 5;
pub(super) const CHANNELS: usize = 3;

pub(super) fn arb_step() -> impl Strategy<Value = Step> {
    let owner = prop_oneof![
        10 => Just(Owner::Sender),
        1 => Just(Owner::LowerCase),
        4 => (0..ACCOUNTS).prop_map(Owner::Other),
    ];
    let sent = option::weighted(0.2, 0..TIMES);
    (0..ACCOUNTS, owner, 0..TIMES, sent, 0..CHANNELS, action()).prop_map(
        |(sender, owner, time, sent, channel, action)| Step {
            sender,
            owner,
            time,
            sent,
            channel,
            action,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..2usize, option::weighted(0.2, pick()), any::<bool>())
            .prop_map(|(post_type, about, tagged)| Action::Post { post_type, about, tagged }),
        5 => (pick(), mostly()).prop_map(|(target, as_target)| Action::Amend { target, as_target }),
        5 => (0..2usize, 1..8u8).prop_map(|(key, fields)| Action::Aggregate { key, fields }),
        5 => (0..3usize, option::of(store_ref()))
            .prop_map(|(file, reference)| Action::Store { file, reference }),
        3 => machine(),
        6 => (proptest::collection::vec(pick(), 1..4), mostly())
            .prop_map(|(targets, as_target)| Action::Forget { targets, as_target }),
        5 => proptest::collection::vec(grant(), 0..3).prop_map(Action::Grant),
        2 => (mostly(), 0..2usize, 1..4u64, amounts())
            .prop_map(|(trusted, chain, height, amounts)| Action::Balances { trusted, chain, height, amounts }),
        3 => (mostly(), credit_kind(), amounts())
            .prop_map(|(trusted, kind, amounts)| Action::Credits { trusted, kind, amounts }),
        6 => (any::<u16>(), variation()).prop_map(|(of, variation)| Action::Copy { of, variation }),
    ]
}

fn mostly() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.7)
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        8 => any::<u16>().prop_map(Pick::Made),
        2 => any::<u16>().prop_map(Pick::Any),
        1 => (0..3u8).prop_map(Pick::Missing),
    ]
}

fn store_ref() -> impl Strategy<Value = StoreRef> {
    prop_oneof![
        (0..2usize).prop_map(StoreRef::Label),
        pick().prop_map(StoreRef::Revision),
    ]
}

fn machine() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        3 => Just(MachineKind::Program),
        2 => Just(MachineKind::Instance),
        1 => Just(MachineKind::VProgram),
    ];
    let replaces = option::weighted(0.3, pick());
    (kind, [pick(), pick()], any::<bool>(), replaces, any::<bool>()).prop_map(
        |(kind, files, use_latest, replaces, allow_amend)| Action::Machine {
            kind,
            files,
            use_latest,
            replaces,
            allow_amend,
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    let filter = prop_oneof![
        Just(Filter::Chain),
        Just(Filter::Channel),
        Just(Filter::Type),
        Just(Filter::PostType),
        Just(Filter::Key),
    ];
    (0..ACCOUNTS, option::weighted(0.4, filter)).prop_map(|(delegate, filter)| Grant { delegate, filter })
}

fn credit_kind() -> impl Strategy<Value = CreditKind> {
    prop_oneof![
        2 => Just(CreditKind::Distribution),
        2 => Just(CreditKind::Transfer),
        1 => Just(CreditKind::Expense),
    ]
}

fn amounts() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((0..ACCOUNTS, 1..100u8), 1..3)
}

fn variation() -> impl Strategy<Value = Variation> {
    prop_oneof![
        Just(Variation::Nothing),
        (0..TIMES).prop_map(Variation::Time),
        (0..CHANNELS).prop_map(Variation::Channel),
        Just(Variation::HighS),
        Just(Variation::Notation),
        Just(Variation::Forged),
        (0..ACCOUNTS).prop_map(Variation::BySender),
    ]
}
