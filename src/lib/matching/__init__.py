"""Online matching with stochastic rewards: policies, benchmarks by linear programs, exact values, analysis programs."""
