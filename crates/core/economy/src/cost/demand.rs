//! What a message asks for, in the terms of the price list.

use alephd_message::{
    Content, ItemHash, PaymentType,
    content::{Body, Machine, VolumeRole},
};

use super::{CostError, CostKind, Mib, fields::Fields};

/// A file whose size decides about a cost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostFile {
    /// The file of this name.
    Named(ItemHash),
    /// The file that a STORE message brought.
    Stored {
        /// The STORE message.
        store: ItemHash,
        /// Whether the latest revision is meant, instead of the one of the message itself.
        latest: bool,
    },
}

/// What a message asks for: who pays, how, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The account that is charged.
    pub owner: String,
    /// How it pays.
    pub payment: PaymentType,
    pub(crate) resource: Resource,
}

/// What is sold to a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resource {
    Store {
        /// The STORE message, where it has a name yet.
        message: Option<ItemHash>,
        file: Size,
    },
    Machine(MachineDemand),
}

/// A machine and its volumes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MachineDemand {
    pub(crate) class: MachineClass,
    pub(crate) vcpus: u64,
    pub(crate) memory_mib: u64,
    /// Device ids.
    pub(crate) gpus: Vec<String>,
    pub(crate) volumes: Vec<VolumeDemand>,
}

/// What kind of machine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MachineClass {
    Program { persistent: bool, internet: bool },
    Instance { confidential: bool },
    VProgram,
}

/// A volume of a machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VolumeDemand {
    pub(crate) kind: CostKind,
    pub(crate) name: String,
    pub(crate) reference: Option<ItemHash>,
    pub(crate) size: Size,
}

/// How large something is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Size {
    Known(Mib),
    OfFile(CostFile),
}

/// Sizes that somebody who asks for a price states, for files that do not exist yet.
#[derive(Default)]
pub(crate) struct Estimates {
    pub(crate) store: Option<Mib>,
    pub(crate) code: Option<Mib>,
    pub(crate) runtime: Option<Mib>,
    pub(crate) data: Option<Mib>,
    /// Of the volumes, by their place in the list.
    pub(crate) volumes: Vec<Option<Mib>>,
}

impl Demand {
    /// What a message asks for, `None` for the types that are free. The text has to be the one
    /// that the content was read from; `message` is the name of the message.
    pub fn of(content: &Content, text: &str, message: &ItemHash) -> Result<Option<Self>, CostError> {
        Self::estimated(content, text, Some(message), &Estimates::default())
    }

    /// What a STORE asks for whose content is gone, as far as it is known: its owner, how it was paid
    /// for, and the size of its file.
    pub fn of_store(owner: String, payment: PaymentType, message: ItemHash, size: Mib) -> Self {
        Self {
            owner,
            payment,
            resource: Resource::Store {
                message: Some(message),
                file: Size::Known(size),
            },
        }
    }

    pub(crate) fn estimated(
        content: &Content,
        text: &str,
        message: Option<&ItemHash>,
        estimates: &Estimates,
    ) -> Result<Option<Self>, CostError> {
        let resource = match &content.body {
            Body::Post(_) | Body::Aggregate(_) | Body::Forget(_) => return Ok(None),
            Body::Store(store) => Resource::Store {
                message: message.cloned(),
                file: size(estimates.store, || CostFile::Named(store.item_hash.clone())),
            },
            Body::Program(machine) | Body::Instance(machine) | Body::VProgram(machine) => {
                Resource::Machine(read_machine(&content.body, machine, text, estimates)?)
            }
        };
        Ok(Some(Self {
            owner: content.address.clone(),
            payment: content.payment_type().unwrap_or(PaymentType::Hold),
            resource,
        }))
    }

    /// The files whose sizes [`costs`](super::costs) will ask for, without duplicates.
    pub fn files(&self) -> Vec<CostFile> {
        let sizes: Vec<&Size> = match &self.resource {
            Resource::Store { file, .. } => vec![file],
            Resource::Machine(machine) => machine.volumes.iter().map(|volume| &volume.size).collect(),
        };
        let file = |size: &Size| match size {
            Size::Known(_) => None,
            Size::OfFile(file) => Some(file.clone()),
        };
        let mut files: Vec<CostFile> = sizes.into_iter().filter_map(file).collect();
        files.sort();
        files.dedup();
        files
    }

    /// The same with a given size of the file of a STORE, whatever is known about the file: for
    /// the check of an upload before it is accepted. Changes nothing about a machine.
    pub fn with_file_size(mut self, size: Mib) -> Self {
        if let Resource::Store { file, .. } = &mut self.resource {
            *file = Size::Known(size);
        }
        self
    }
}

fn size(estimate: Option<Mib>, file: impl FnOnce() -> CostFile) -> Size {
    estimate.map_or_else(|| Size::OfFile(file()), Size::Known)
}

fn read_machine(
    body: &Body,
    machine: &Machine,
    text: &str,
    estimates: &Estimates,
) -> Result<MachineDemand, CostError> {
    let fields = Fields::read(text)?;
    let environment = fields.object("environment")?;
    let resources = fields.object("resources")?;
    let class = match body {
        Body::Program(_) => MachineClass::Program {
            persistent: machine.persistent.unwrap_or(false),
            internet: environment.boolean("internet")?,
        },
        Body::VProgram(_) => MachineClass::VProgram,
        _ => MachineClass::Instance {
            confidential: environment.has("trusted_execution"),
        },
    };
    let gpus = fields.object("requirements")?.objects("gpu")?;
    let gpus = gpus
        .iter()
        .map(|gpu| gpu.text("device_id")?.ok_or(CostError::Unreadable));
    let volumes = match class {
        // What is measured is not billed.
        MachineClass::VProgram => Vec::new(),
        _ => {
            let mut volumes = parts(machine, estimates);
            volumes.extend(list(machine, &fields, estimates)?);
            volumes
        }
    };
    Ok(MachineDemand {
        class,
        vcpus: resources.integer("vcpus")?.unwrap_or(1),
        memory_mib: resources.integer("memory")?.unwrap_or(DEFAULT_MEMORY_MIB),
        gpus: gpus.collect::<Result<_, _>>()?,
        volumes,
    })
}

/// Memory of a machine that asks for none.
const DEFAULT_MEMORY_MIB: u64 = 128;

/// The volumes that are not in the list of volumes.
fn parts(machine: &Machine, estimates: &Estimates) -> Vec<VolumeDemand> {
    let part = |role, kind: CostKind, estimate: Option<Mib>| {
        let volume = machine.volumes.iter().find(|volume| volume.role == role)?;
        // The root of an instance has the size that it asks for, not that of its image.
        let estimate = volume.size_mib.map(Mib::from_mib).or(estimate);
        Some(VolumeDemand {
            kind,
            name: kind.as_str().to_owned(),
            reference: Some(volume.reference.clone()),
            size: size(estimate, || CostFile::Stored {
                store: volume.reference.clone(),
                latest: volume.use_latest,
            }),
        })
    };
    let parts = [
        part(VolumeRole::Rootfs, CostKind::Rootfs, None),
        part(VolumeRole::Code, CostKind::Code, estimates.code),
        part(VolumeRole::Runtime, CostKind::Runtime, estimates.runtime),
        part(VolumeRole::Data, CostKind::Data, estimates.data),
    ];
    parts.into_iter().flatten().collect()
}

/// The list of volumes. What is not a read-only file is billed alike, whether it is kept or not.
fn list(
    machine: &Machine,
    fields: &Fields<'_>,
    estimates: &Estimates,
) -> Result<Vec<VolumeDemand>, CostError> {
    let mut files = machine
        .volumes
        .iter()
        .filter(|volume| volume.role == VolumeRole::Immutable);
    let volumes = fields.objects("volumes")?;
    let volumes = volumes.iter().enumerate().map(|(index, volume)| {
        let is_file = volume.has("ref");
        let kind = if is_file {
            CostKind::Immutable
        } else {
            CostKind::Persistent
        };
        let mount = volume.text("mount")?.filter(|mount| !mount.is_empty());
        let name = format!("#{index}:{}", mount.as_deref().unwrap_or(kind.as_str()));
        let (reference, size) = if is_file {
            let file = files.next().ok_or(CostError::Unreadable)?;
            let estimate = estimates.volumes.get(index).copied().flatten();
            let file_size = size(estimate, || CostFile::Stored {
                store: file.reference.clone(),
                latest: file.use_latest,
            });
            (Some(file.reference.clone()), file_size)
        } else {
            let size_mib = volume.integer("size_mib")?.ok_or(CostError::Unreadable)?;
            (None, Size::Known(Mib::from_mib(size_mib)))
        };
        Ok(VolumeDemand {
            kind,
            name,
            reference,
            size,
        })
    });
    volumes.collect()
}
