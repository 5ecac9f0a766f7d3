"""Writes bills of random messages, one JSON object a line, after a line with the price lists; or,
when asked for `decimals`, products and quotients of random numbers: [a, b, a * b, a / b].

A bill has these keys:

  type      message type
  name      item hash of the message
  content   text of the content
  estimate  whether the content is one for an estimate
  pricing   which price list holds, or null for the defaults
  files     known files: [[name, null or whether the latest revision is meant, bytes], ...]
  lines     expected lines: [[type, name, ref, size in MiB, hold, stream, credit], ...]
  total     expected total, in the currency of the payment

The arithmetic is Python's: 28 significant digits, and what is floored is floored by `quantize`.
"""

import copy
import json
import math
import pathlib
import random
import sys
from decimal import ROUND_FLOOR, Decimal

COUNT = 400
LISTS = 12
MIB = 1 << 20
DEFAULTS = pathlib.Path(__file__).parents[2] / "src" / "pricing"
PRICING = json.loads((DEFAULTS / "pricing.json").read_text())
GPUS = json.loads((DEFAULTS / "settings.json").read_text())["compatible_gpus"]
LEAST = Decimal(1) / Decimal(3600)

rng = random.Random(20270101)


def floor18(value):
    return Decimal(value).quantize(Decimal("1e-18"), ROUND_FLOOR)


def shown(value):
    return f"{value:.18f}"


def hash_():
    return "".join(rng.choice("0123456789abcdef") for _ in range(64))


def cid():
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    return "Qm" + "".join(rng.choice(alphabet) for _ in range(44))


# Prices -------------------------------------------------------------------------------------


def random_price(number):
    value = number * rng.choice([1, 1, 3, 7]) / rng.choice([1, 3, 9, 11])
    return rng.choice([value, round(value), f"{value:.12f}", str(value), repr(value)])


def random_pricing():
    pricing = copy.deepcopy(PRICING)
    for product in pricing.values():
        for prices in product["price"].values():
            if isinstance(prices, dict):
                for key in list(prices):
                    prices[key] = random_price(float(prices[key]))
                    if rng.random() < 0.05:
                        prices[key] = rng.choice([None, "", 0])
                if rng.random() < 0.1:
                    prices.pop(rng.choice(list(prices)))
        if "tiers" in product and rng.random() < 0.1 and "model" not in product["tiers"][0]:
            product["tiers"] = []
        if "compute_unit" in product:
            product["compute_unit"]["memory_mib"] = rng.choice([512, 1000, 2048, 6144])
            product["compute_unit"]["disk_mib"] = rng.choice([0, 2048, 20480, 61440])
    return pricing


def rates(prices):
    def rate(key):
        return Decimal(prices.get(key) or 0)

    return rate("holding"), rate("payg") / 3600, rate("credit") / 3600


# Bills --------------------------------------------------------------------------------------


class Bill:
    def __init__(self, pricing, payment):
        self.pricing, self.payment, self.lines = pricing, payment, []

    def add(self, kind, name, ref, size, quantity, prices, least=True):
        costs = [floor18(quantity * rate) for rate in rates(prices)]
        if least and self.payment == "credit":
            costs[2] = max(costs[2], floor18(LEAST))
        self.lines.append([kind, name, ref, size, *costs])

    def total(self):
        column = {"hold": 4, "superfluid": 5, "credit": 6}[self.payment]
        return floor18(sum((line[column] for line in self.lines), Decimal(0)))

    def store(self, message, mib):
        if not mib:
            return
        billed = mib
        if self.payment == "credit" and mib < 25:
            billed = Decimal(25)
        self.add("STORAGE", "STORAGE", message, mib, billed, self.pricing["storage"]["price"]["storage"])

    def units(self, machine, product):
        unit = product["compute_unit"] if product["tiers"] else {"memory_mib": 2048}
        return max(machine["vcpus"], math.ceil(machine["memory"] / unit["memory_mib"]))

    def machine(self, machine):
        name = machine["product"]
        if machine["gpus"]:
            self.gpus(machine)
            name = "instance_gpu_premium"
        else:
            product = self.pricing[name]
            units = self.units(machine, product) * (2 if machine["doubled"] else 1)
            self.add("EXECUTION", name, None, None, units, product["price"]["compute_unit"])
        product = self.pricing[name]
        prices = product["price"]["storage"]
        start = len(self.lines)
        for kind, label, ref, mib in machine["volumes"]:
            if mib is not None:
                self.add(kind, label, ref, mib, mib, prices)
        disk = product["compute_unit"]["disk_mib"] if product["tiers"] else 0
        most = [disk * self.units(machine, product) * rate for rate in rates(prices)]
        sums = [sum((line[4 + i] for line in self.lines[start:]), Decimal(0)) for i in range(3)]
        kind = "EXECUTION_VOLUME_DISCOUNT"
        costs = [floor18(-min(pair)) for pair in zip(sums, most)]
        self.lines.append([kind, kind, None, None, *costs])

    def gpus(self, machine):
        classes = {}
        for device in machine["gpus"]:
            model = next(gpu["model"] for gpu in GPUS if gpu["device_id"] == device)
            for name in ["instance_gpu_premium", "instance_gpu_standard"]:
                tier = next((t for t in self.pricing[name]["tiers"] if t["model"] == model), None)
                if tier:
                    classes[name] = classes.get(name, 0) + tier["compute_units"]
                    break
        premium = "instance_gpu_premium" in classes
        dominant = "instance_gpu_premium" if premium else "instance_gpu_standard"
        wanted = self.units(machine, self.pricing[dominant])
        if wanted > sum(classes.values()):
            classes[dominant] += wanted - sum(classes.values())
        for name, units in classes.items():
            self.add("EXECUTION", name, None, None, units, self.pricing[name]["price"]["compute_unit"], False)


# Messages -----------------------------------------------------------------------------------


class Message:
    """A random message, and beside it what it is billed for."""

    def __init__(self):
        self.files, self.estimate = [], rng.random() < 0.25
        self.type = rng.choice(["STORE", "PROGRAM", "PROGRAM", "INSTANCE", "INSTANCE", "V-PROGRAM"])
        self.name = hash_()
        self.payment = rng.choice(["hold", "superfluid", "credit"])
        self.content = {"address": "0x" + hash_()[:40], "time": 1700000000 + rng.random() * 1e8}
        self.demand = self.store() if self.type == "STORE" else self.machine()
        # Everything that was not said to be an estimate has to be a proper content.
        if self.payment != "hold" or rng.random() < 0.5:
            self.content["payment"] = {"type": self.payment, "chain": "ETH"}

    def bytes(self):
        scale = rng.choice([1 << 10, 1 << 20, 1 << 24, 1 << 30, 1 << 40, 1 << 62])
        return rng.choice([rng.randrange(scale), rng.randrange(1, 100) * MIB, 25 * MIB + rng.randrange(-1, 2)])

    def file(self, name, latest):
        """The size in MiB of a file, which may be unknown."""
        if rng.random() < 0.15:
            return None
        size = self.bytes()
        if latest is not None:
            size %= 1 << 41
        else:
            size %= 1 << 50
        self.files.append([name, latest, size])
        return Decimal(size / MIB)

    def sized(self, part, key="estimated_size_mib"):
        """States a size for an estimate, or not."""
        if not self.estimate or rng.random() < 0.5:
            return None
        size = rng.choice([0, rng.randrange(1, 100_000)])
        part[key] = rng.choice([size, str(size), float(size)])
        return Decimal(size) if size else None

    def store(self):
        if self.payment == "superfluid":
            self.payment = "credit"
        file = rng.choice([hash_(), cid()])
        self.content |= {"item_hash": file, "item_type": "storage" if len(file) == 64 else "ipfs"}
        stated = None
        if self.estimate and rng.random() < 0.7:
            size = rng.choice([0, 0.0, rng.randrange(1000), rng.random() * 100, rng.randrange(1 << 40) / MIB])
            self.content["estimated_size_mib"] = rng.choice([size, repr(size)])
            stated = Decimal(float(size)) if size else None
        return stated if stated is not None else self.file(file, None)

    def part(self, default_latest):
        part = {"ref": hash_()}
        latest = default_latest
        if rng.random() < 0.5:
            part["use_latest"] = latest = rng.random() < 0.5
        size = self.sized(part)
        return part, size if size is not None else self.file(part["ref"], latest)

    def volume(self, index):
        volume, mount = {}, None
        if rng.random() < 0.7:
            mount = volume["mount"] = rng.choice(["/opt/data", "/mnt/ü", ""])
        if rng.random() < 0.4:
            part, mib = self.part(True)
            volume |= part
            kind, ref = "EXECUTION_VOLUME_INMUTABLE", part["ref"]
        else:
            kind, ref = "EXECUTION_VOLUME_PERSISTENT", None
            if rng.random() < 0.5:
                volume |= {"size_mib": rng.randrange(1, 1001)}
                if rng.random() < 0.7:
                    volume["ephemeral"] = True
            else:
                volume |= {"size_mib": rng.randrange(1, 200_000), "persistence": "host", "name": "disk"}
                if rng.random() < 0.3:
                    volume["parent"] = {"ref": hash_()}
            mib = Decimal(volume["size_mib"])
        return volume, [kind, f"#{index}:{mount or kind}", ref, mib]

    def machine(self):
        vcpus, memory = rng.choice([1, 2, 4, 12, rng.randrange(1, 257)]), rng.choice([1, 2048, 4096, rng.randrange(1, 1 << 20)])
        resources = {}
        if vcpus > 1 or rng.random() < 0.5:
            resources["vcpus"] = rng.choice([vcpus, str(vcpus), float(vcpus)])
        if rng.random() < 0.1:
            memory = 128
        else:
            resources["memory"] = rng.choice([memory, f" {memory}.0 ", memory])
        self.content |= {"allow_amend": False, "resources": resources}
        machine = {"vcpus": vcpus, "memory": memory, "gpus": [], "doubled": False, "volumes": []}
        if self.type == "V-PROGRAM":
            self.v_program(machine)
        elif self.type == "PROGRAM":
            self.program(machine)
        else:
            self.instance(machine)
        if self.estimate and self.type != "PROGRAM":
            for key in ["allow_amend", "time"]:
                if rng.random() < 0.5:
                    self.content.pop(key)
        return machine

    def volumes(self, machine):
        listed = [self.volume(index) for index in range(rng.choice([0, 0, 1, 3, 6]))]
        if listed:
            self.content["volumes"] = [volume for volume, _ in listed]
        machine["volumes"] += [line for _, line in listed]

    def program(self, machine):
        persistent = rng.choice([True, False, None])
        internet = rng.choice([True, False, "yes", "off", 1, 0])
        machine["product"] = "program_persistent" if persistent else "program"
        machine["doubled"] = not persistent and internet in (True, "yes")
        code, code_size = self.part(False)
        runtime, runtime_size = self.part(True)
        self.content |= {
            "type": "vm-function",
            "environment": {"internet": internet},
            "on": {"http": True, "persistent": persistent},
            "code": code | {"encoding": "zip", "entrypoint": "main:app"},
            "runtime": runtime | {"comment": "r"},
        }
        prefix = "EXECUTION_PROGRAM_VOLUME_"
        parts = [("CODE", code, code_size), ("RUNTIME", runtime, runtime_size)]
        if rng.random() < 0.5:
            data, data_size = self.part(False)
            self.content["data"] = data | {"encoding": "zip", "mount": "/data"}
            parts.append(("DATA", data, data_size))
        machine["volumes"] += [[prefix + k, prefix + k, part["ref"], size] for k, part, size in parts]
        self.volumes(machine)

    def instance(self, machine):
        machine["product"] = "instance"
        environment, root = {"internet": True}, {"parent": {"ref": hash_()}, "persistence": "host"}
        root["size_mib"] = rng.choice([20480, 40960, rng.randrange(1, 1_953_126)])
        if rng.random() < 0.3:
            environment |= {"hypervisor": "qemu", "trusted_execution": {"policy": 1}}
            machine["product"] = "instance_confidential"
        if rng.random() < 0.4:
            environment["hypervisor"] = "qemu"
            known = [gpu["device_id"] for gpu in GPUS if gpu["model"] != "RTX 5090" and gpu["device_id"] != "10de:2685"]
            machine["gpus"] = [rng.choice(known) for _ in range(rng.randrange(1, 5))]
            gpu = {"vendor": "NVIDIA", "device_name": "x", "device_class": "0300"}
            self.content["requirements"] = {
                "node": {"node_hash": hash_()},
                "gpu": [gpu | {"device_id": device} for device in machine["gpus"]],
            }
        self.content |= {"environment": environment, "rootfs": root}
        kind = "EXECUTION_INSTANCE_VOLUME_ROOTFS"
        machine["volumes"].append([kind, kind, root["parent"]["ref"], Decimal(root["size_mib"])])
        self.volumes(machine)

    def v_program(self, machine):
        machine["product"], self.payment = "instance_confidential", "credit"
        measurement = {"platform": "sev_snp", "digest": "ab" * 48}

        def verified():
            part = {"ref": hash_(), "hash_tree": hash_(), "roothash": hash_()}
            self.sized(part)
            self.sized(part, "estimated_hash_tree_size_mib")
            return part

        self.content |= {
            "environment": {"internet": True},
            "runtime": {"ref": hash_()},
            "workload": verified(),
            "volumes": [verified() for _ in range(rng.randrange(3))],
            "verification": {"backend": "sev_snp", "policy": 0x30000, "measurements": [measurement]},
        }
        self.sized(self.content, "runtime_estimated_size_mib")


def decimals():
    def operand():
        digits = rng.choice(["5", "9", "3", "25", "".join(rng.choice("0123456789") for _ in range(38))])
        digits = (digits * 38)[: rng.randrange(1, 39)]
        return Decimal(digits).scaleb(-rng.randrange(40))

    for _ in range(COUNT):
        a, b = operand(), Decimal(rng.choice([3, 7, 3600, 65536, rng.randrange(1, 1 << 32)]))
        if rng.random() < 0.5:
            c = operand()
            row = [str(a), str(c), str(a * c), None]
        else:
            row = [str(a), str(b), str(a * b), str(a / b)]
        print(json.dumps(row))


def main():
    lists = [random_pricing() for _ in range(LISTS)]
    print(json.dumps({"lists": [json.dumps(pricing) for pricing in lists]}))
    for _ in range(COUNT):
        pricing = rng.choice([None, rng.randrange(LISTS)])
        message = Message()
        bill = Bill(PRICING if pricing is None else lists[pricing], message.payment)
        if message.type == "STORE":
            bill.store(message.name, message.demand)
        else:
            bill.machine(message.demand)
        lines = [
            [kind, name, ref, None if size is None else float(size), *map(shown, costs)]
            for kind, name, ref, size, *costs in bill.lines
        ]
        vector = {
            "type": message.type,
            "name": message.name,
            "content": json.dumps(message.content),
            "estimate": message.estimate,
            "pricing": pricing,
            "files": message.files,
            "lines": lines,
            "total": shown(bill.total()),
        }
        print(json.dumps(vector, separators=(",", ":")))


if __name__ == "__main__":
    decimals() if sys.argv[1:] == ["decimals"] else main()
