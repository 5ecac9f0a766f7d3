//! The arithmetic of bills: what each part of a demand costs.

use alephd_message::PaymentType;

use super::{
    CostError, CostFile, CostKind, CostLine, Mib,
    demand::{MachineClass, MachineDemand, Resource, Size, VolumeDemand},
};
use crate::{
    amount::{Amount, Decimal},
    pricing::{ComputeUnit, Pricing, Product, ProductPricing, Rates},
};

/// One credit an hour, by the second: the least that anything paid for by credits costs.
const LEAST_CREDITS: Amount = Amount::from_units(1_000_000_000_000_000_000 / 3_600);
/// The least size that a STORE paid for by credits is billed for.
const LEAST_STORE_MIB: u32 = 25;
/// What a unit of computing is where the list does not say.
const DEFAULT_UNIT: ComputeUnit = ComputeUnit {
    memory_mib: 2_048,
    disk_mib: 0,
};

/// Makes the bill of one demand.
pub(super) struct Biller<'a> {
    pub(super) payment: PaymentType,
    pub(super) pricing: &'a Pricing,
    pub(super) files: &'a dyn Fn(&CostFile) -> Option<u64>,
}

/// Units of computing billed for at the prices of one product.
type UnitsOf = (Product, u64);

impl Biller<'_> {
    pub(super) fn lines(&self, resource: &Resource) -> Result<Vec<CostLine>, CostError> {
        match resource {
            Resource::Store { message, file } => {
                let Some(size) = self.size(file).filter(|size| !size.is_zero()) else {
                    return Ok(Vec::new());
                };
                let storage = self.product(Product::Storage)?.storage;
                let billed = match self.payment {
                    PaymentType::Credit if size.is_at_most(LEAST_STORE_MIB) => {
                        Mib::from_mib(LEAST_STORE_MIB.into())
                    }
                    _ => size,
                };
                let mut line = line(CostKind::Storage, "STORAGE", billed.0, &storage)?;
                self.raise(&mut line);
                line.reference = message.clone();
                line.size = Some(size);
                Ok(vec![line])
            }
            Resource::Machine(machine) => self.machine(machine),
        }
    }

    fn machine(&self, machine: &MachineDemand) -> Result<Vec<CostLine>, CostError> {
        let is_instance = matches!(machine.class, MachineClass::Instance { .. });
        let (mut lines, product) = if is_instance && !machine.gpus.is_empty() {
            (self.gpu_execution(machine)?, Product::InstanceGpuPremium)
        } else {
            let product = product(machine.class);
            (vec![self.execution(machine, product)?], product)
        };
        let pricing = self.product(product)?;
        let volumes: Vec<CostLine> = machine
            .volumes
            .iter()
            .filter_map(|volume| self.volume(volume, pricing).transpose())
            .collect::<Result<_, _>>()?;
        let discount = discount(machine, pricing, &volumes)?;
        lines.extend(volumes);
        lines.push(discount);
        Ok(lines)
    }

    fn execution(&self, machine: &MachineDemand, product: Product) -> Result<CostLine, CostError> {
        let pricing = self.product(product)?;
        let compute = pricing.compute.ok_or(CostError::NoPrice(product))?;
        let multiplier = match machine.class {
            // Reaching the internet from a function that starts on demand doubles its price.
            MachineClass::Program {
                persistent: false,
                internet: true,
            } => 2,
            _ => 1,
        };
        let quantity = Decimal::from_integer(units(machine, pricing) * multiplier);
        let mut line = line(CostKind::Execution, product.as_str(), quantity, &compute)?;
        self.raise(&mut line);
        Ok(line)
    }

    /// One line for each class of GPU, in the order in which the machine asks for them. The
    /// minimum for credits does not apply here.
    fn gpu_execution(&self, machine: &MachineDemand) -> Result<Vec<CostLine>, CostError> {
        let premium = self.product(Product::InstanceGpuPremium)?;
        let standard = self.product(Product::InstanceGpuStandard)?;
        let mut classes: Vec<UnitsOf> = Vec::new();
        for device_id in &machine.gpus {
            let model = self.pricing.gpu_model(device_id);
            let model = model.ok_or_else(|| CostError::UnknownGpu(device_id.clone()))?;
            let of_premium = premium
                .gpu_units(model)
                .map(|units| (Product::InstanceGpuPremium, units));
            let of_standard = || {
                standard
                    .gpu_units(model)
                    .map(|units| (Product::InstanceGpuStandard, units))
            };
            let (product, units) = of_premium
                .or_else(of_standard)
                .ok_or_else(|| CostError::UnpricedGpu(model.to_owned()))?;
            match classes.iter_mut().find(|(known, _)| *known == product) {
                Some((_, sum)) => *sum = sum.saturating_add(u64::from(units)),
                None => classes.push((product, u64::from(units))),
            }
        }
        // Processors and memory beyond what comes with the GPUs are billed at the upper class.
        let has_premium = classes
            .iter()
            .any(|(product, _)| *product == Product::InstanceGpuPremium);
        let (dominant, pricing) = match has_premium {
            true => (Product::InstanceGpuPremium, premium),
            false => (Product::InstanceGpuStandard, standard),
        };
        let included = classes
            .iter()
            .fold(0, |sum: u64, (_, units)| sum.saturating_add(*units));
        let excess = units(machine, pricing).saturating_sub(included);
        let lines = classes.into_iter().map(|(product, units)| {
            let units = match product == dominant {
                true => units.saturating_add(excess),
                false => units,
            };
            let compute = self.product(product)?.compute;
            let compute = compute.ok_or(CostError::NoPrice(product))?;
            line(
                CostKind::Execution,
                product.as_str(),
                Decimal::from_integer(units),
                &compute,
            )
        });
        lines.collect()
    }

    /// `None` where the file is unknown: that was allowed once and cannot be billed.
    fn volume(&self, volume: &VolumeDemand, pricing: &ProductPricing) -> Result<Option<CostLine>, CostError> {
        let Some(size) = self.size(&volume.size) else {
            return Ok(None);
        };
        let mut line = line(volume.kind, &volume.name, size.0, &pricing.storage)?;
        self.raise(&mut line);
        line.reference = volume.reference.clone();
        line.size = Some(size);
        Ok(Some(line))
    }

    fn raise(&self, line: &mut CostLine) {
        if self.payment == PaymentType::Credit {
            line.credit = line.credit.max(LEAST_CREDITS);
        }
    }

    fn size(&self, size: &Size) -> Option<Mib> {
        match size {
            Size::Known(size) => Some(*size),
            Size::OfFile(file) => (self.files)(file).map(Mib::of_bytes),
        }
    }

    fn product(&self, product: Product) -> Result<&ProductPricing, CostError> {
        self.pricing.product(product).ok_or(CostError::NoPrice(product))
    }
}

fn product(class: MachineClass) -> Product {
    match class {
        MachineClass::Program {
            persistent: false, ..
        } => Product::Program,
        MachineClass::Program { persistent: true, .. } => Product::ProgramPersistent,
        MachineClass::Instance { confidential: false } => Product::Instance,
        MachineClass::Instance { confidential: true } | MachineClass::VProgram => {
            Product::InstanceConfidential
        }
    }
}

/// Units of computing that hold the processors and the memory of a machine.
fn units(machine: &MachineDemand, pricing: &ProductPricing) -> u64 {
    let unit = pricing.unit.unwrap_or(DEFAULT_UNIT);
    machine
        .vcpus
        .max(machine.memory_mib.div_ceil(u64::from(unit.memory_mib)))
}

fn line(kind: CostKind, name: &str, quantity: Decimal, rates: &Rates) -> Result<CostLine, CostError> {
    let cost = |rate: Decimal| quantity.times(rate)?.floor();
    Ok(CostLine {
        kind,
        name: name.to_owned(),
        reference: None,
        size: None,
        hold: cost(rates.hold)?,
        stream: cost(rates.stream)?,
        credit: cost(rates.credit)?,
    })
}

/// The disk that is included in the units of computing, taken off the volumes.
fn discount(
    machine: &MachineDemand,
    pricing: &ProductPricing,
    volumes: &[CostLine],
) -> Result<CostLine, CostError> {
    let unit = pricing.unit.unwrap_or(DEFAULT_UNIT);
    let disk_mib = Decimal::from_integer(units(machine, pricing) * u64::from(unit.disk_mib));
    let off = |rate: Decimal, cost: fn(&CostLine) -> Amount| {
        let sum = super::sum(volumes.iter().map(cost))?;
        // A discount is a negative cost, and flooring it makes it larger. As the sum is whole,
        // it still bounds what was rounded up. A product out of bounds is above any sum.
        let most = disk_mib.times(rate).and_then(Decimal::ceil).unwrap_or(sum);
        super::within_bounds(sum.min(most)).map(|off| -off)
    };
    Ok(CostLine {
        kind: CostKind::Discount,
        name: CostKind::Discount.as_str().to_owned(),
        reference: None,
        size: None,
        hold: off(pricing.storage.hold, |line| line.hold)?,
        stream: off(pricing.storage.stream, |line| line.stream)?,
        credit: off(pricing.storage.credit, |line| line.credit)?,
    })
}
