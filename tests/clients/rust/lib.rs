//! Empty: building it builds the dependencies, and none of the programs.
