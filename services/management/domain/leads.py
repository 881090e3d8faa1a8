"""Check of the rules of leads (销售线索规则)."""

from collections import Counter

from shared.contracts.management import LeadRules
from shared.contracts.violations import RuleViolation


def check(rules: LeadRules) -> None:
    """Check that each model stands there once.

    Raises:
        RuleViolation: one stands there twice.
    """
    counted = Counter(each.model_code for each in rules.models)
    for place, model in enumerate(rules.models):
        if counted[model.model_code] > 1:
            raise RuleViolation(
                "model_twice",
                f"The model {model.model_code} stands there twice.",
                field=f"content.models.{place}.model_code",
                model=model.model_code,
            )
