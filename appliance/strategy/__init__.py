"""Strategies: what a compiled one says of itself, and its parameters by name."""

from appliance.strategy.compiled import (
    CompiledStrategy,
    Field,
    StrategyError,
    builtin_strategies,
    find_strategy,
)

__all__ = ["CompiledStrategy", "Field", "StrategyError", "builtin_strategies", "find_strategy"]
