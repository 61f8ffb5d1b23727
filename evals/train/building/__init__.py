"""`rsa-train build`: training sets of plain and aggregation prompts.

Data flows one way: sources (loaded, decontaminated, split) -> sampling (runs of the engine) -> survey (verdicts, draws,
lengths, filters) -> layout (parquet) and card.
"""
