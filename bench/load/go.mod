module skylark/load

go 1.20
