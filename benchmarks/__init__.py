"""What the documentation says about speed, as commands: `./dev benchmarks build` …"""
