module conformance/checks

go 1.26.0
