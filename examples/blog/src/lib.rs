//! A blog's data layer: the everyday story of a team, told by its migrations.

mod migrations;
