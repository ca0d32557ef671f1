"""The period that demand is forecast in: day, week or four weeks, chosen by what stock it would have cost."""
