#include "base/run_log.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "base/files.h"

namespace base {
namespace {

using Values = std::vector<std::pair<std::int64_t, double>>;

TEST(RunLog, EachStepIsThereOnceAfterAResume) {
  TemporaryFolder folder;
  {
    RunLog log(folder.path());
    for (int step = 1; step <= 4; ++step) log.write(step, {{"loss", 10. - step}});
  }
  std::ofstream(folder.path() / "metrics.jsonl", std::ios::app) << "{\"step\": 5, \"lo";  // killed
  {
    RunLog log(folder.path(), 2);  // the last checkpoint was of step 2
    log.write(3, {{"loss", 1}});
  }
  EXPECT_EQ(read_metric(folder.path(), "loss"), (Values{{1, 9}, {2, 8}, {3, 1}}));
  EXPECT_TRUE(read_metric(folder.path(), "accuracy").empty());
  RunLog anew(folder.path());
  EXPECT_TRUE(read_metric(folder.path(), "loss").empty());
}

TEST(RunLog, WhatWasBeforeTheFirstStepIsThereOnce) {
  TemporaryFolder folder;
  for (int i = 0; i < 2; ++i) {  // the second time after a crash before any checkpoint
    RunLog log(folder.path());
    log.write(0, {{"gold", 1. * i}});
    log.write(1, {{"gold", 3}});
  }
  EXPECT_EQ(read_metric(folder.path(), "gold"), (Values{{0, 1}, {1, 3}}));
  RunLog log(folder.path(), 1);
  EXPECT_EQ(read_metric(folder.path(), "gold"), (Values{{0, 1}, {1, 3}}));
}

TEST(RunLog, ValuesThatAreNotFiniteAreNull) {
  TemporaryFolder folder;
  RunLog log(folder.path());
  log.write(1,
            {{"loss", std::nan("")}, {"kl", std::numeric_limits<double>::infinity()}, {"ok", 1}});
  EXPECT_EQ(read_file(folder.path() / "metrics.jsonl"),
            "{\"step\":1,\"loss\":null,\"kl\":null,\"ok\":1.0}\n");
}

TEST(RunLog, EventsAreFramedAsTensorBoardReadsThem) {
  TemporaryFolder folder;
  {
    RunLog log(folder.path());
    log.write(7, {{"loss", 2.5}});
  }
  const std::string bytes = read_file(folder.path() / "events.out.tfevents.attune");
  // Each record is length (8), its checksum (4), data, the data's checksum (4), with nothing left.
  std::vector<std::string> records;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    ASSERT_LE(at + 12, bytes.size());
    std::memcpy(&length, bytes.data() + at, 8);
    ASSERT_LE(at + 16 + length, bytes.size());
    records.push_back(bytes.substr(at + 12, length));
    at += 16 + length;
  }
  ASSERT_EQ(records.size(), 2u);
  EXPECT_NE(records[0].find("brain.Event:2"), std::string::npos);
  // tag "loss" and simple_value 2.5 (field 2, four bytes: 0x15 00 00 20 40).
  EXPECT_NE(records[1].find(std::string("loss\x15\x00\x00\x20\x40", 9)), std::string::npos);
  EXPECT_NE(records[1].find(std::string("\x10\x07", 2)), std::string::npos);  // step 7
  // The checksum of an 8-byte length of the first record, by Castagnoli's polynomial, masked.
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  std::uint32_t crc = ~0u;
  for (int i = 0; i < 8; ++i) {
    crc ^= static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
  }
  crc = ~crc;
  std::uint32_t written = 0;
  std::memcpy(&written, bytes.data() + 8, 4);
  EXPECT_EQ(written, ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

}  // namespace
}  // namespace base
