"""What a visit costs and what the insurance pays: Claim and ExplanationOfBenefit, in yuan."""

from collections.abc import Iterator, Sequence

from shangyi.synth import build
from shangyi.synth.build import HL7, Resource, money, own, reference
from shangyi.synth.institutions import Institution, institutions
from shangyi.synth.persons import Standing
from shangyi.synth.tables import table
from shangyi.synth.visits import Visit

Item = tuple[str, float]


def items(visit: Visit, observations: Sequence[Resource], drugs: Sequence[str]) -> list[Item]:
    """What is charged: (text, yuan). Public-health services are free but for medicines."""
    prices = table("prices")
    free = visit.type[0] in prices["free"]
    charged: list[Item] = []
    if not free and visit.type[0] not in prices["unbilled_consultation"]:
        charged.append(("诊查费", float(prices["visit"][visit.level])))
    tests = sum(o["category"][0]["coding"][0]["code"] == "laboratory" for o in observations)
    if tests and not free:
        charged.append(("化验费", float(tests * prices["observation"]["laboratory"])))
    charged += visit.charges
    charged += [(table("medicines")[id]["zh"], float(table("medicines")[id]["price"])) for id in drugs]
    if visit.days:
        charged.append(("床位、护理及治疗费", float(visit.days * prices["bed_day"][visit.level])))
    return charged


def settle(visit: Visit, scheme: str, total: float) -> tuple[float, float]:
    """(deductible, paid by the fund) of ``total``, by scheme, kind of care and tier."""
    prices = table("prices")
    kind, tier = "IMP" if visit.days else "AMB", prices["tiers"][visit.level]
    deductible = min(total, float(prices["deductible"].get(kind, {}).get(tier, 0)))
    return deductible, round((total - deductible) * prices["reimbursed"][scheme][kind][tier], 2)


def claim(
    person: Resource, number: str, visit: Visit, place: Institution, stands: Standing, time: str, charged: list[Item],
    encounter: Resource, diagnosis: Resource | None,
) -> Iterator[Resource]:  # fmt: skip
    """The claim and its settlement, for whoever is insured and where anything is charged."""
    if stands.insurance is None or not charged:
        return
    total = sum(price for _, price in charged)
    deductible, paid = settle(visit, stands.insurance, total)
    cover = reference("Coverage", f"{person['reference'].split('/')[1]}-cov")
    kind = {
        "type": build.concept(f"{HL7}claim-type", "institutional", "医疗机构结算"),
        "use": "claim",
        "patient": person,
        "created": time,
        "provider": place.reference,
    }
    sick = {"diagnosis": [{"sequence": 1, "diagnosisReference": diagnosis}]} if diagnosis else {}
    lines: list[Resource] = [
        {"sequence": n, "productOrService": {"text": text}, "net": money(price)}
        for n, (text, price) in enumerate(charged, 1)
    ]
    lines[0]["encounter"] = [encounter]
    yield {
        "resourceType": "Claim",
        "id": f"{number}-claim",
        "status": "active",
        **kind,
        "insurer": institutions()["insurer"].reference,
        "priority": build.concept(f"{HL7}processpriority", "normal", "普通"),
        **sick,
        "insurance": [{"sequence": 1, "focal": True, "coverage": cover}],
        "item": lines,
        "total": money(total),
    }
    yield {
        "resourceType": "ExplanationOfBenefit",
        "id": f"{number}-eob",
        "status": "active",
        **kind,
        "insurer": institutions()["insurer"].reference,
        "claim": reference("Claim", f"{number}-claim"),
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": cover}],
        "total": [
            {"category": build.concept(f"{HL7}adjudication", "submitted", "总费用"), "amount": money(total)},
            {
                "category": build.concept(f"{HL7}adjudication", "benefit", "统筹基金支付"),
                "amount": money(paid),
            },
            *(
                [
                    {
                        "category": build.concept(f"{HL7}adjudication", "deductible", "起付标准"),
                        "amount": money(deductible),
                    }
                ]
                if deductible
                else []
            ),
            {"category": own("adjudication", "self-pay", "个人自付"), "amount": money(total - paid)},
        ],
        "payment": {"amount": money(paid)},
    }
