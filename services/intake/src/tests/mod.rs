//! Facts about intake as a whole, on every arrangement of databases.

mod asking;
mod attaching;
mod city;
mod deciding;
mod erasing;
mod guessing;
mod importing;
mod moving;
mod registering;
mod repeating;
mod revealing;
mod sealing;
mod speaking;
mod walking;
