"""Commands for sales: leaderboard, chart, stats, activity."""
