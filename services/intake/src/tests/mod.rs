//! Facts about intake as a whole, on every arrangement of databases.

mod asking;
mod city;
mod importing;
mod moving;
mod registering;
mod walking;
